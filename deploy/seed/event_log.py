"""Orders' event log of the last three months: the events of the seeded orders and pickups.

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
from deploy.seed.tables import Cells, TableRows
from services.chassis.db.acknowledgement import ACKNOWLEDGED_SEQUENCE
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.outbox import partition_key, partition_of
from services.chassis.ids import read_id
from services.chassis.telemetry import tracing
from services.contracts.declare import event_type_of, partners_topic_of, topic_of
from services.contracts.orders.events import OrderMoved, OrderPlaced, PickupRecorded
from services.orders.mapping.events import order_moved_event, order_placed_event, pickup_event

RETENTION = dt.timedelta(days=88)
"""Age up to which events are seeded. A log's retention is 90 days."""

_RELAY_TIMEOUT_S = 60.0
_COLUMNS = "event_id type subject organisation_id site_id partition occurred_at traceparent public data written_at"
_COLUMN_LIST = ", ".join(_COLUMNS.split())
_STAGING = "CREATE TEMPORARY TABLE seeded_events (LIKE chassis.outbox) ON COMMIT DROP"
_ALLOW_NULL_POSITION = "ALTER TABLE seeded_events ALTER COLUMN position DROP NOT NULL"
# The present leader's knowledge of the log is out of date: it loses the lease, acquires it again and reads the log.
_TAKE_LEADERSHIP = (
    "UPDATE chassis.leader SET epoch = epoch + 1, until = '-infinity' RETURNING last_sequence, cluster_id"
)
_IS_RELAY_BEHIND = f"SELECT cluster_id IS NOT NULL AND last_sequence > {ACKNOWLEDGED_SEQUENCE} FROM chassis.leader"
_ASSIGN_SEQUENCES = f"""
    INSERT INTO chassis.outbox (sequence, {_COLUMN_LIST})
    SELECT $1::bigint + row_number() OVER in_time, {_COLUMN_LIST} FROM seeded_events
    WINDOW in_time AS (ORDER BY occurred_at, event_id) ORDER BY occurred_at, event_id
"""
_ADVANCE_LAST_SEQUENCE = (
    "UPDATE chassis.leader SET last_sequence = last_sequence + (SELECT count(*) FROM seeded_events)"
)
_SET_CHECKPOINT = """
    INSERT INTO chassis.published_up_to (cluster_id, topic, sequence)
    SELECT cluster_id, topic, last_sequence FROM chassis.leader, unnest($1::text[]) AS topic
    WHERE cluster_id IS NOT NULL
    ON CONFLICT (cluster_id, topic) DO UPDATE SET sequence = excluded.sequence
"""


class RelayBehind(Exception):
    """The relay does not catch up with the log, so no event can be appended."""


class SeededEventLog:
    """Collects events in a temporary table, and appends them to the log in the order of their time.

    ``ahead``: how far the clock of the services is ahead of the database's, by which a log is kept.
    """

    def __init__(self, now: dt.datetime, ahead: dt.timedelta) -> None:
        self._since = now - RETENTION
        self._ahead = ahead
        self._serials = itertools.count()
        self._trace = tracing.traceparent()

    async def begin(self, connection: DatabaseConnection) -> None:
        """Create the temporary table."""
        await connection.execute(_STAGING)
        await connection.execute(_ALLOW_NULL_POSITION)

    def rows_of_events(self, histories: Sequence[SiteHistory]) -> TableRows:
        """Return the events of these sites' orders and pickups."""
        return TableRows("seeded_events", _COLUMNS, [row for history in histories for row in self._rows(history)])

    async def end(self, connection: DatabaseConnection) -> None:
        """Append the events to the log; RelayBehind if the relay has not published its last event."""
        given_up = time.monotonic() + _RELAY_TIMEOUT_S
        while not await self._assign_sequences(connection):
            if time.monotonic() > given_up:
                raise RelayBehind
            await asyncio.sleep(0.2)

    async def _assign_sequences(self, connection: DatabaseConnection) -> bool:
        """Assign sequences, unless the relay is behind: it would leave out the unpublished events."""
        savepoint = connection.transaction()  # its rollback unlocks the leader's row if the relay is behind
        await savepoint.start()
        last = await connection.fetchval(_TAKE_LEADERSHIP)
        if await connection.fetchval(_IS_RELAY_BEHIND):
            await savepoint.rollback()
            return False
        await connection.execute(_ASSIGN_SEQUENCES, last)
        await connection.execute(_ADVANCE_LAST_SEQUENCE)
        await connection.execute(_SET_CHECKPOINT, [topic_of("orders"), partners_topic_of("orders")])
        await savepoint.commit()
        return True

    def _rows(self, history: SiteHistory) -> Iterator[Cells]:
        for versions in history.orders:
            if versions[-1].timeline[-1].at < self._since:
                continue
            if versions[0].placed_at >= self._since:
                yield self._row(order_placed_event(versions[0]), versions[0].placed_at)
            for before, after in itertools.pairwise(versions):
                if after.timeline[-1].at >= self._since:
                    yield self._row(order_moved_event(before, after), after.timeline[-1].at)
        for recorded in history.pickups:
            at = recorded.pickup.outcome.done_at
            if at is not None and at >= self._since:
                yield self._row(pickup_event(recorded, PickupRecorded), at)

    def _row(self, event: OrderPlaced | OrderMoved | PickupRecorded, at: dt.datetime) -> Cells:
        kind = event_type_of(event)
        subject: str = getattr(event, kind.subject)
        key = partition_key(kind.name, event.organisation_id, subject)
        return (
            seeded_id("event", next(self._serials), at),
            kind.name,
            subject,
            _organisation_id(event.organisation_id),
            _site_id(event.site_id),
            _partition(key),
            at,
            self._trace,
            kind.public,
            msgspec.json.encode(event),
            at - self._ahead,
        )


@functools.lru_cache(maxsize=100_000)
def _partition(key: str) -> int:
    return partition_of(key)


@functools.lru_cache(maxsize=100_000)
def _organisation_id(organisation: str) -> uuid.UUID:
    return read_id("org", organisation)


@functools.lru_cache(maxsize=100_000)
def _site_id(site: str) -> uuid.UUID:
    return read_id("site", site)
