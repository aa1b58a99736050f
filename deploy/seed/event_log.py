"""Orders' event log of the last three months: what was announced of the seeded orders and pickups.

Events get the sequences behind the log's last one, in the order of their time. The cluster that the relay fills now
counts as having them: seeding sends nothing. Another cluster is filled with them, as with all of the log.
"""

import asyncio
import datetime as dt
import functools
import itertools
import time
import uuid
from collections.abc import Iterator, Sequence

import msgspec

from deploy.seed.history import SiteHistory
from deploy.seed.ids import seeded_id
from deploy.seed.tables import Cells, Rows
from services.chassis import tracing
from services.chassis.ids import read_id
from services.chassis.outbox import partition_key, partition_of
from services.chassis.postgres import Connection
from services.contracts.declare import Event, event_type_of, partners_topic_of, topic_of
from services.contracts.orders import PickupRecorded
from services.orders.usecases.announce import known_of, moved, placed

KEPT = dt.timedelta(days=88)
"""A log is kept 90 days: what was announced earlier would be gone, and is not seeded."""

_PATIENCE_S = 60.0
_COLUMNS = "event_id type subject organisation_id partition occurred_at traceparent public data written_at"
_LISTED = ", ".join(_COLUMNS.split())
_STAGING = "CREATE TEMPORARY TABLE seeded_events (LIKE chassis.outbox) ON COMMIT DROP"
_UNNEEDED = "ALTER TABLE seeded_events ALTER COLUMN position DROP NOT NULL"
# The present leader is deposed, for its knowledge of the log is no longer true: it takes the lead again and looks anew.
_LEAD = "UPDATE chassis.leader SET epoch = epoch + 1, until = '-infinity' RETURNING last_sequence, cluster_id"
_BEHIND = """
    SELECT cluster_id IS NOT NULL AND last_sequence > coalesce(
        (SELECT min(sequence) FROM chassis.published_up_to u WHERE u.cluster_id = l.cluster_id), 0)
    FROM chassis.leader l
"""
_NUMBER = f"""
    INSERT INTO chassis.outbox (sequence, {_LISTED})
    SELECT $1::bigint + row_number() OVER in_time, {_LISTED} FROM seeded_events
    WINDOW in_time AS (ORDER BY occurred_at, event_id) ORDER BY occurred_at, event_id
"""
_COUNTED = "UPDATE chassis.leader SET last_sequence = last_sequence + (SELECT count(*) FROM seeded_events)"
_PUBLISHED = """
    INSERT INTO chassis.published_up_to (cluster_id, topic, sequence)
    SELECT cluster_id, topic, last_sequence FROM chassis.leader, unnest($1::text[]) AS topic
    WHERE cluster_id IS NOT NULL
    ON CONFLICT (cluster_id, topic) DO UPDATE SET sequence = excluded.sequence
"""


class RelayBehind(Exception):
    """The relay does not catch up with the log, so nothing can be put behind it."""


class EventLog:
    """Collects events in a table of the transaction's own, where they wait for their order.

    ``ahead``: how far the clock of the services is ahead of the database's, by which a log is kept.
    """

    def __init__(self, now: dt.datetime, ahead: dt.timedelta) -> None:
        self._since = now - KEPT
        self._ahead = ahead
        self._serials = itertools.count()
        self._trace = tracing.traceparent()

    async def begin(self, connection: Connection) -> None:
        """Make the table."""
        await connection.execute(_STAGING)
        await connection.execute(_UNNEEDED)

    def rows_of_events(self, histories: Sequence[SiteHistory]) -> Rows:
        """Return what was announced of these sites' orders and pickups."""
        return Rows("seeded_events", _COLUMNS, [row for one in histories for row in self._rows(one)])

    async def end(self, connection: Connection) -> None:
        """Put the events behind the log's last; RelayBehind if the relay has not published that one."""
        given_up = time.monotonic() + _PATIENCE_S
        while not await self._number(connection):
            if time.monotonic() > given_up:
                raise RelayBehind
            await asyncio.sleep(0.2)

    async def _number(self, connection: Connection) -> bool:
        """Number them, unless the relay has yet to publish something: it would be left out."""
        behind = connection.transaction()  # a savepoint: if it is, the leader's row is let go
        await behind.start()
        last = await connection.fetchval(_LEAD)
        if await connection.fetchval(_BEHIND):
            await behind.rollback()
            return False
        await connection.execute(_NUMBER, last)
        await connection.execute(_COUNTED)
        await connection.execute(_PUBLISHED, [topic_of("orders"), partners_topic_of("orders")])
        await behind.commit()
        return True

    def _rows(self, history: SiteHistory) -> Iterator[Cells]:
        for versions in history.orders:
            if versions[-1].timeline[-1].at < self._since:
                continue
            if versions[0].placed_at >= self._since:
                yield self._row(placed(versions[0]), versions[0].placed_at)
            for before, after in itertools.pairwise(versions):
                if after.timeline[-1].at >= self._since:
                    yield self._row(moved(before, after), after.timeline[-1].at)
        for one in history.pickups:
            at = one.pickup.outcome.done_at
            if at is not None and at >= self._since:
                yield self._row(known_of(one, PickupRecorded), at)

    def _row(self, event: Event, at: dt.datetime) -> Cells:
        kind = event_type_of(event)
        subject: str = getattr(event, kind.subject)
        key = partition_key(event, subject)
        return (
            seeded_id("event", next(self._serials), at),
            kind.name,
            subject,
            _organisation_id(key),
            _partition(key),
            at,
            self._trace,
            kind.public,
            msgspec.json.encode(event),
            at - self._ahead,
        )


@functools.lru_cache(maxsize=100_000)
def _partition(organisation: str) -> int:
    return partition_of(organisation)


@functools.lru_cache(maxsize=100_000)
def _organisation_id(organisation: str) -> uuid.UUID:
    return read_id("org", organisation)
