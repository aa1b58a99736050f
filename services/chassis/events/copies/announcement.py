"""Announcement: an owner emits the current state of its entities, for services that keep copies.

It emits the entities in the order of their ids, a page a transaction. Each entity is locked while its event is
emitted: the event has its newest version, or the newer one follows. An announcement runs during operation, and can be
interrupted and repeated at any time.
"""

import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event

T = TypeVar("T", bound=Transaction)

PAGE_SIZE = 200
"""Entities that are locked and emitted in one transaction."""

_OUTBOX_END = "SELECT coalesce(max(position), 0) FROM chassis.outbox"


class Announcement(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """The announcement of a service's entities of one kind."""

    entity: str
    """The kind's name on the command line."""
    event: type[Event]
    """The event with an entity's whole state and its version."""
    table: str
    """The table of the entities."""
    emit_page: Callable[[T, uuid.UUID, int], Awaitable[Sequence[uuid.UUID]]]
    """Emits the entities after this id, at most so many, and returns their ids in order."""


AUDIT_ANNOUNCEMENT: Announcement[Transaction] = Announcement(
    entity="audit", event=AuditRecorded, table="chassis.audit", emit_page=Transaction.announce_audit
)
"""The announcement of a service's audit log, for identity, which collects the entries of all services.

It is none of a service's own announcements, all of which a rebuild repeats: the log only grows.
"""


async def count(connection: DatabaseConnection, announcement: Announcement[T]) -> int:
    """Count the entities."""
    counted: int = await connection.fetchval(f"SELECT count(*) FROM {announcement.table}")
    return counted


async def announce(
    work: UnitOfWork[T], announcement: Announcement[T], page: int = PAGE_SIZE
) -> AsyncGenerator[int, None]:
    """Emit every entity; yield the number of each page once it is committed."""
    after = uuid.UUID(int=0)
    while True:
        async with work() as tx:
            ids = await announcement.emit_page(tx, after, page)
        if ids:
            after = ids[-1]
            yield len(ids)
        if len(ids) < page:
            return


async def outbox_end(connection: DatabaseConnection) -> int:
    """Return the outbox's last position: events that are emitted later are after it."""
    end: int = await connection.fetchval(_OUTBOX_END)
    return end
