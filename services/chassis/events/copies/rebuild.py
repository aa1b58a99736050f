"""Rebuilding a service's copies: each row is doubted, the owners announce, and what is stated again is trusted again.

A doubted row goes on to be read as it is, so nobody notices; but whatever its owner states replaces it, also with a
version that is no higher. What is still doubted when every announcement has taken effect is known to no owner.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import msgspec

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.consume import inbox
from services.contracts.declare import Event, event_type_of

_LOCK = "SELECT pg_try_advisory_lock(hashtext('chassis.rebuilding'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('chassis.rebuilding'))"
_ANNOUNCED_EVENTS = """
    SELECT position, event_id, written_at FROM chassis.outbox
    WHERE position > $1 AND position <= $2 AND type = ANY ($3) ORDER BY position LIMIT $4
"""
_DEAD_LETTERED = "SELECT event_id FROM chassis.dead_letters WHERE event_id = ANY ($1)"
_COUNT_DEAD_LETTERS = "SELECT count(*) FROM chassis.dead_letters WHERE type = ANY ($1)"
# What refers to a table's rows and would keep them: found in the catalog, so that none is forgotten.
_FOREIGN_KEYS = """
    SELECT c.conrelid::regclass::text AS table, a.attname AS column
    FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f' AND c.confrelid = $1::text::regclass AND c.confdeltype IN ('a', 'r')
"""
_STATEMENT_TIMEOUT_S = 3600
_PAGE_SIZE = 1000
_POLL_INTERVAL_S = 0.1


class RebuildInProgress(Exception):
    """Another rebuild of this service is under way."""


class Copy(msgspec.Struct, frozen=True):
    """What a service keeps of another's things: the event that states one, and the table with a row for each.

    The table has columns ``version`` (0: a placeholder) and ``doubted``, and the thing's id as ``key``.
    """

    event: type[Event]
    table: str
    key: str = "id"

    @property
    def owner(self) -> str:
        """The service whose things they are."""
        return event_type_of(self.event).service


class PurgeResult(msgspec.Struct, frozen=True):
    """What no owner knows: rows that were deleted, and rows that are placeholders now because something needs them."""

    deleted: int
    placeholders: int


@contextlib.asynccontextmanager
async def rebuild_lock(connection: DatabaseConnection) -> AsyncIterator[None]:
    """Hold off every other rebuild of the service for the length of the block; else RebuildingAlready."""
    if not await connection.fetchval(_LOCK):
        raise RebuildInProgress
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(_UNLOCK)


async def mark_stale(connection: DatabaseConnection, copies: Sequence[Copy]) -> None:
    """Doubt every row of these copies."""
    for copy in copies:
        # One table a transaction, locked against writers first: so there is nobody to deadlock with.
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {copy.table} IN SHARE ROW EXCLUSIVE MODE")
            await connection.execute(
                f"UPDATE {copy.table} SET doubted = true WHERE NOT doubted", timeout=_STATEMENT_TIMEOUT_S
            )


async def wait_until_handled(
    owner: DatabaseConnection, keeper: DatabaseConnection, copies: Sequence[Copy], after: int, up_to: int
) -> AsyncIterator[int]:
    """Wait until each event that states these things, between two positions of the owner's outbox, was handled.

    Handled is: its effects are committed in the keeper's database, or it was set aside there. Gives how many more were,
    again and again, 0 too: how long nothing may move is for the caller to say.
    """
    names = [event_type_of(copy.event).name for copy in copies]
    while waited_for := await owner.fetch(_ANNOUNCED_EVENTS, after, up_to, names, _PAGE_SIZE):
        after = waited_for[-1]["position"]
        missing = {row["event_id"]: row["written_at"] for row in waited_for}
        while missing:
            handled = await inbox.find_processed(keeper, [(time, event_id) for event_id, time in missing.items()])
            ids = [str(event_id) for event_id in missing]
            aside = {row["event_id"] for row in await keeper.fetch(_DEAD_LETTERED, ids)}
            before = len(missing)
            missing = {
                event_id: time
                for event_id, time in missing.items()
                if event_id not in handled and str(event_id) not in aside
            }
            yield before - len(missing)
            if missing:
                await asyncio.sleep(_POLL_INTERVAL_S)


async def count_dead_letters(connection: DatabaseConnection, copies: Sequence[Copy]) -> int:
    """How many events that state these things are set aside: what they say has not taken effect."""
    found: int = await connection.fetchval(_COUNT_DEAD_LETTERS, [event_type_of(copy.event).name for copy in copies])
    return found


async def purge_stale(connection: DatabaseConnection, copies: Sequence[Copy]) -> PurgeResult:
    """Delete what is still doubted; what something refers to stays as a placeholder, for its owner to state one day.

    ``copies`` are in an order in which none refers to a later one.
    """
    deleted = placeholders = 0
    async with connection.transaction():
        for copy in reversed(copies):
            table, key = copy.table, copy.key
            # Locked, so that nothing begins to refer to a row between the look and its end.
            locked = f"SELECT 1 FROM {table} WHERE doubted ORDER BY {key} FOR UPDATE"
            await connection.execute(f"SELECT count(*) FROM ({locked}) AS locked", timeout=_STATEMENT_TIMEOUT_S)
            references = await connection.fetch(_FOREIGN_KEYS, table)
            unneeded = "".join(
                f" AND NOT EXISTS (SELECT 1 FROM {one['table']} r WHERE r.{one['column']} = {table}.{key})"
                for one in references
            )
            gone = await connection.execute(
                f"DELETE FROM {table} WHERE doubted{unneeded}", timeout=_STATEMENT_TIMEOUT_S
            )
            kept = await connection.execute(
                f"UPDATE {table} SET version = 0, doubted = false WHERE doubted", timeout=_STATEMENT_TIMEOUT_S
            )
            deleted += _affected_rows(gone)
            placeholders += _affected_rows(kept)
    return PurgeResult(deleted, placeholders)


def _affected_rows(tag: str) -> int:
    """How many rows a command's tag ("DELETE 3") tells of."""
    return int(tag.rpartition(" ")[2])
