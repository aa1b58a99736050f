"""The inbox: which events took effect here. An event that comes again is recognised and left out."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence

from services.chassis.postgres import Connection, Pool

_TAKE_IN = """
    INSERT INTO chassis.inbox (day, event_id) SELECT * FROM unnest($1::date[], $2::uuid[])
    ON CONFLICT DO NOTHING RETURNING event_id
"""


class Days:
    """Makes the inbox's table of a day before its first event is taken in."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: set[dt.date] = set()

    async def ensure(self, days: Iterable[dt.date]) -> None:
        """Have a table for each of these days."""
        for day in sorted(set(days) - self._known):
            name = f"chassis.inbox_{day:%Y%m%d}"
            following = day + dt.timedelta(days=1)
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock(hashtext('chassis.inbox'))")
                await connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF chassis.inbox"
                    f" FOR VALUES FROM ('{day}') TO ('{following}')"
                )
            self._known.add(day)


async def take_in(connection: Connection, events: Sequence[tuple[dt.datetime, uuid.UUID]]) -> set[uuid.UUID]:
    """Note these events (time, id) as having taken effect with this transaction; the ids that are new."""
    days = [time.astimezone(dt.UTC).date() for time, _ in events]
    rows = await connection.fetch(_TAKE_IN, days, [event_id for _, event_id in events])
    return {row["event_id"] for row in rows}
