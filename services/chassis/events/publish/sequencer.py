"""Numbering: the leader gives committed outbox rows their sequence, gapless, in the order of writing.

Events come in waves, bounded in events and in bytes, so that memory stays flat and a partition's share of one always
fits into a single Kafka batch.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.events.publish.lease import LEASE_S, LeadershipLost

BATCH_EVENTS = 1000
BATCH_BYTES = 900_000
"""Of a wave's records, by an estimate that is never too low. The broker takes a batch of 1 MiB."""

_WEIGHT = "octet_length(data) + 3 * octet_length(subject) + 800"
_COLUMNS = "event_id, type, subject, organisation_id, partition, occurred_at, traceparent, public, data, written_at"

# One statement: the leader row is locked first, so that a new leader can't begin while an old one numbers, and a
# deposed one finds no row to begin with. Whether it has no sequence is asked again of each locked row, in words that
# keep the planner from looking for it in the index of the unnumbered, all of it, which it takes to be empty.
_ASSIGN_SEQUENCES = f"""
    WITH leader AS (
        SELECT last_sequence FROM chassis.leader WHERE epoch = $1 AND until > clock_timestamp() FOR UPDATE
    ), unnumbered AS (
        SELECT position, row_number() OVER earlier AS n, sum({_WEIGHT}) OVER earlier AS bytes FROM (
            SELECT position, data, subject FROM chassis.outbox WHERE sequence IS NULL ORDER BY position LIMIT $3
        ) AS oldest
        WHERE EXISTS (SELECT 1 FROM leader)
        WINDOW earlier AS (ORDER BY position ROWS UNBOUNDED PRECEDING)
    ), numbered AS (
        UPDATE chassis.outbox o SET sequence = leader.last_sequence + unnumbered.n
        FROM unnumbered, leader
        WHERE o.position = unnumbered.position AND coalesce(o.sequence, 0) = 0 AND (bytes <= $4 OR n = 1)
        RETURNING o.*
    ), counted AS (
        UPDATE chassis.leader SET last_sequence = last_sequence + (SELECT count(*) FROM numbered),
            until = clock_timestamp() + make_interval(secs => $2)
        WHERE epoch = $1 RETURNING last_sequence
    )
    SELECT (SELECT last_sequence FROM counted) AS up_to, n.sequence, {_COLUMNS}
    FROM (SELECT 1) AS always LEFT JOIN numbered n ON true ORDER BY n.sequence
"""
_ANY_UNSEQUENCED = "SELECT EXISTS (SELECT 1 FROM chassis.outbox WHERE sequence IS NULL)"
_SELECT_SEQUENCED = f"""
    WITH following AS (
        SELECT *, row_number() OVER earlier AS n, sum({_WEIGHT}) OVER earlier AS bytes FROM (
            SELECT * FROM chassis.outbox WHERE sequence > $1 ORDER BY sequence LIMIT $2
        ) AS next
        WINDOW earlier AS (ORDER BY sequence ROWS UNBOUNDED PRECEDING)
    )
    SELECT leader.last_sequence AS up_to, f.sequence, {_COLUMNS}
    FROM chassis.leader LEFT JOIN following f ON bytes <= $3 OR n = 1 ORDER BY f.sequence
"""


class SequencedEvent(msgspec.Struct, frozen=True):
    """An event with its place among all of its service. ``written_at``: by the database's clock."""

    sequence: int
    event_id: uuid.UUID
    type: str
    subject: str
    organisation_id: uuid.UUID | None
    partition: int
    occurred_at: dt.datetime
    traceparent: str
    public: bool
    data: bytes
    written_at: dt.datetime


class EventBatch(msgspec.Struct, frozen=True):
    """Events in order, and the sequence up to which a topic that has them lacks nothing. Empty at the log's end."""

    events: Sequence[SequencedEvent]
    up_to: int


async def any_unsequenced(connection: DatabaseConnection) -> bool:
    """Whether there is anything to number: a look that writes nothing."""
    found: bool = await connection.fetchval(_ANY_UNSEQUENCED)
    return found


async def assign_sequences(connection: DatabaseConnection, epoch: int) -> EventBatch:
    """Number the next wave and renew the lease; Deposed if another leads."""
    rows = await connection.fetch(_ASSIGN_SEQUENCES, epoch, LEASE_S, BATCH_EVENTS, BATCH_BYTES)
    if rows[0]["up_to"] is None:
        raise LeadershipLost
    return _event_batch(rows)


async def read_sequenced(connection: DatabaseConnection, after: int) -> EventBatch:
    """The next wave of events behind ``after`` that were numbered before."""
    return _event_batch(await connection.fetch(_SELECT_SEQUENCED, after, BATCH_EVENTS, BATCH_BYTES))


def _event_batch(rows: Sequence[Row]) -> EventBatch:
    events = [SequencedEvent(*values) for _, *values in rows if values[0] is not None]
    return EventBatch(events, events[-1].sequence if events else rows[0]["up_to"])
