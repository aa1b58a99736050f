"""Announcing: an owner states its things again as they are now, for those who keep copies of them.

It goes through the things in the order of their ids, a page a transaction. Each thing is locked while it is stated:
its next version can't be written before, so whatever is stated is the newest there is, or is followed by what is newer.
It may be broken off and begun anew at any time, and while everything runs.
"""

import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.contracts.declare import Event

T = TypeVar("T", bound=Transaction)

PAGE_SIZE = 200
"""Things that are stated, and locked, in one transaction."""

_OUTBOX_END = "SELECT coalesce(max(position), 0) FROM chassis.outbox"


class Announcement(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """How the things of one kind are stated again.

    ``thing`` is what the host calls them; ``event`` what states one of them, in full and with its version; ``table``
    where they are kept. ``state`` emits those with the next ids after the given one, at most so many, and tells which
    they were, in order.
    """

    entity: str
    event: type[Event]
    table: str
    emit_page: Callable[[T, uuid.UUID, int], Awaitable[Sequence[uuid.UUID]]]


async def count(connection: DatabaseConnection, announcement: Announcement[T]) -> int:
    """How many things there are to state now."""
    counted: int = await connection.fetchval(f"SELECT count(*) FROM {announcement.table}")
    return counted


async def announce(
    work: UnitOfWork[T], announcement: Announcement[T], page: int = PAGE_SIZE
) -> AsyncGenerator[int, None]:
    """State every thing; how many there were, a page after the other, each time once they are committed."""
    after = uuid.UUID(int=0)
    while True:
        async with work() as tx:
            stated = await announcement.emit_page(tx, after, page)
        if stated:
            after = stated[-1]
            yield len(stated)
        if len(stated) < page:
            return


async def outbox_end(connection: DatabaseConnection) -> int:
    """Where the outbox ends now: what is emitted later stands behind it."""
    end: int = await connection.fetchval(_OUTBOX_END)
    return end
