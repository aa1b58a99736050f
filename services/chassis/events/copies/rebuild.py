"""Rebuild of a service's copies: each row is marked stale, the owners announce, and announced rows are current again.

A stale row is still read, but any event of its owner replaces it, also one whose version is no higher. Rows that are
still stale when every announcement has taken effect are unknown to their owners.
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
# The foreign keys that prevent a row's deletion, from the catalog, so that none is missed.
_FOREIGN_KEYS = """
    SELECT c.conrelid::regclass::text AS table, a.attname AS column
    FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f' AND c.confrelid = $1::text::regclass AND c.confdeltype IN ('a', 'r')
"""
_STATEMENT_TIMEOUT_S = 3600
_PAGE_SIZE = 1000
_POLL_INTERVAL_S = 0.1


class RebuildInProgress(Exception):
    """Another rebuild of this service is in progress."""


class Copy(msgspec.Struct, frozen=True):
    """A service's copy of another service's entities."""

    event: type[Event]
    """The event with an entity's whole state."""
    table: str
    """The table with a row for each entity, with columns ``version`` (0: a placeholder) and ``doubted`` (stale)."""
    key: str = "id"
    """The column with the entity's id."""

    @property
    def owner(self) -> str:
        """The service that owns the entities."""
        return event_type_of(self.event).service


class PurgeResult(msgspec.Struct, frozen=True):
    """The numbers of purged rows."""

    deleted: int
    placeholders: int
    """Rows that became placeholders because others refer to them."""


@contextlib.asynccontextmanager
async def rebuild_lock(connection: DatabaseConnection) -> AsyncIterator[None]:
    """Exclude other rebuilds of the service for the length of the block. Raises RebuildInProgress."""
    if not await connection.fetchval(_LOCK):
        raise RebuildInProgress
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(_UNLOCK)


async def mark_stale(connection: DatabaseConnection, copies: Sequence[Copy]) -> None:
    """Mark every row of these copies stale."""
    for copy in copies:
        # One table a transaction, locked against writers first, so that it can't deadlock.
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {copy.table} IN SHARE ROW EXCLUSIVE MODE")
            await connection.execute(
                f"UPDATE {copy.table} SET doubted = true WHERE NOT doubted", timeout=_STATEMENT_TIMEOUT_S
            )


async def wait_until_handled(
    owner: DatabaseConnection, keeper: DatabaseConnection, copies: Sequence[Copy], after: int, up_to: int
) -> AsyncIterator[int]:
    """Wait until each event of these copies between two positions of the owner's outbox is handled.

    That is: its effects are committed in the keeper's database, or it is a dead letter there. Yields the number of
    events since the last time, at every poll, also 0: the caller decides when it has waited too long.
    """
    names = [event_type_of(copy.event).name for copy in copies]
    while announced := await owner.fetch(_ANNOUNCED_EVENTS, after, up_to, names, _PAGE_SIZE):
        after = announced[-1]["position"]
        pending = {row["event_id"]: row["written_at"] for row in announced}
        while pending:
            processed = await inbox.find_processed(keeper, [(time, event_id) for event_id, time in pending.items()])
            ids = [str(event_id) for event_id in pending]
            dead_lettered = {row["event_id"] for row in await keeper.fetch(_DEAD_LETTERED, ids)}
            before = len(pending)
            pending = {
                event_id: time
                for event_id, time in pending.items()
                if event_id not in processed and str(event_id) not in dead_lettered
            }
            yield before - len(pending)
            if pending:
                await asyncio.sleep(_POLL_INTERVAL_S)


async def count_dead_letters(connection: DatabaseConnection, copies: Sequence[Copy]) -> int:
    """Count the dead letters of these copies' events: they have not taken effect."""
    count: int = await connection.fetchval(_COUNT_DEAD_LETTERS, [event_type_of(copy.event).name for copy in copies])
    return count


async def purge_stale(connection: DatabaseConnection, copies: Sequence[Copy]) -> PurgeResult:
    """Delete the rows that are still stale; a row to which others refer becomes a placeholder.

    ``copies`` are in an order in which none refers to a later one.
    """
    deleted = placeholders = 0
    async with connection.transaction():
        for copy in reversed(copies):
            table, key = copy.table, copy.key
            # Locked, so that no reference to a row is inserted before its deletion.
            locked = f"SELECT 1 FROM {table} WHERE doubted ORDER BY {key} FOR UPDATE"
            await connection.execute(f"SELECT count(*) FROM ({locked}) AS locked", timeout=_STATEMENT_TIMEOUT_S)
            foreign_keys = await connection.fetch(_FOREIGN_KEYS, table)
            unreferenced = "".join(
                f" AND NOT EXISTS (SELECT 1 FROM {row['table']} r WHERE r.{row['column']} = {table}.{key})"
                for row in foreign_keys
            )
            deleted_tag = await connection.execute(
                f"DELETE FROM {table} WHERE doubted{unreferenced}", timeout=_STATEMENT_TIMEOUT_S
            )
            updated_tag = await connection.execute(
                f"UPDATE {table} SET version = 0, doubted = false WHERE doubted", timeout=_STATEMENT_TIMEOUT_S
            )
            deleted += _affected_rows(deleted_tag)
            placeholders += _affected_rows(updated_tag)
    return PurgeResult(deleted, placeholders)


def _affected_rows(tag: str) -> int:
    """Return the number of rows of a command tag ("DELETE 3")."""
    return int(tag.rpartition(" ")[2])
