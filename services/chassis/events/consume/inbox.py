"""The inbox: the ids of the events whose effects are committed, for deduplication.

A dead-lettered event has no row until it is replayed. The table is partitioned by the day of the record's timestamp,
which stays the same when an event is published again.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence

import asyncpg

from services.chassis.db.postgres import DatabaseConnection, Pool

# In the order of ids, so that two transactions with the same events don't deadlock. It returns the known ids, the
# exception: to decode the ids of a thousand new events would cost more than all the rest.
_INSERT_RETURNING_KNOWN = """
    WITH new AS (
        INSERT INTO chassis.inbox (day, event_id) SELECT $1::date, event_id FROM unnest($2::uuid[]) AS e (event_id)
        ORDER BY event_id ON CONFLICT DO NOTHING RETURNING event_id
    )
    SELECT event_id FROM unnest($2::uuid[]) AS e (event_id) WHERE event_id NOT IN (SELECT event_id FROM new)
"""
# Half the cost of the above; it inserts nothing if one event is known.
_INSERT_ALL_NEW = """
    INSERT INTO chassis.inbox (day, event_id) SELECT $1::date, event_id FROM unnest($2::uuid[]) AS e (event_id)
    ORDER BY event_id
"""
_TRY_ALL_NEW_FROM = 200
"""The number of events from which trying _INSERT_ALL_NEW first pays off: it costs two round trips more."""
_SELECT_PROCESSED = """
    SELECT i.event_id FROM unnest($1::date[], $2::uuid[]) AS e (day, event_id)
    JOIN chassis.inbox i ON i.day = e.day AND i.event_id = e.event_id
"""
_CREATE_PARTITION = "SELECT chassis.create_inbox_partition($1)"


class InboxPartitions:
    """Creates the inbox's partition of a day before its first event is inserted."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._existing_days: set[dt.date] = set()

    async def ensure(self, days: Iterable[dt.date]) -> None:
        """Create the missing partitions of these days."""
        missing = set(days) - self._existing_days
        if not missing:
            return
        await self._pool.executemany(_CREATE_PARTITION, [(day,) for day in sorted(missing)])
        self._existing_days |= missing

    def clear_cache(self) -> None:
        """Clear the known partitions: retention drops them, and a database can be restored."""
        self._existing_days.clear()


async def mark_processed(
    connection: DatabaseConnection, events: Sequence[tuple[dt.datetime, uuid.UUID]]
) -> set[uuid.UUID]:
    """Insert events (time of the record in UTC, id) that take effect with this transaction.

    Returns the ids of those that took effect before.
    """
    days: dict[dt.date, list[uuid.UUID]] = defaultdict(list)
    for time, event_id in events:
        days[time.date()].append(event_id)
    known: set[uuid.UUID] = set()
    for day in sorted(days):
        if len(days[day]) < _TRY_ALL_NEW_FROM or not await _insert_all_new(connection, day, days[day]):
            known.update(row["event_id"] for row in await connection.fetch(_INSERT_RETURNING_KNOWN, day, days[day]))
    return known


async def _insert_all_new(connection: DatabaseConnection, day: dt.date, ids: Sequence[uuid.UUID]) -> bool:
    try:
        async with connection.transaction():  # a savepoint
            await connection.execute(_INSERT_ALL_NEW, day, ids)
    except asyncpg.UniqueViolationError:
        return False
    return True


async def find_processed(
    connection: DatabaseConnection, events: Sequence[tuple[dt.datetime, uuid.UUID]]
) -> set[uuid.UUID]:
    """Return the ids of those events (time of the record in UTC, id) that have taken effect."""
    days, ids = [time.date() for time, _ in events], [event_id for _, event_id in events]
    return {row["event_id"] for row in await connection.fetch(_SELECT_PROCESSED, days, ids)}
