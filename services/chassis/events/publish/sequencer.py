"""Sequences: the leader assigns them to committed outbox rows, gapless, in the order of insertion.

Batches are limited in events and in bytes: memory is bounded, and a partition's events of a batch fit into one Kafka
batch.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.events.publish.lease import LEASE_S, LeadershipLost

BATCH_EVENTS = 1000
BATCH_BYTES = 900_000
"""The limit of a batch's records by an upper estimate. The broker's limit of a Kafka batch is 1 MiB."""

_WEIGHT = "octet_length(data) + 3 * octet_length(subject) + 800"
_COLUMNS = "event_id, type, subject, organisation_id, partition, occurred_at, traceparent, public, data, written_at"

# One statement: it locks the leader row first, so that no new leader begins while an old one assigns sequences, and one
# that lost leadership updates nothing. Each locked row's sequence is checked again, but not by IS NULL: for that the
# planner would scan the whole partial index of rows without a sequence, whose statistics say that it is empty.
_ASSIGN_SEQUENCES = f"""
    WITH leader AS (
        SELECT last_sequence FROM chassis.leader WHERE epoch = $1 AND until > clock_timestamp() FOR UPDATE
    ), unsequenced AS (
        SELECT position, row_number() OVER earlier AS n, sum({_WEIGHT}) OVER earlier AS bytes FROM (
            SELECT position, data, subject FROM chassis.outbox WHERE sequence IS NULL ORDER BY position LIMIT $3
        ) AS oldest
        WHERE EXISTS (SELECT 1 FROM leader)
        WINDOW earlier AS (ORDER BY position ROWS UNBOUNDED PRECEDING)
    ), sequenced AS (
        UPDATE chassis.outbox o SET sequence = leader.last_sequence + unsequenced.n
        FROM unsequenced, leader
        WHERE o.position = unsequenced.position AND coalesce(o.sequence, 0) = 0 AND (bytes <= $4 OR n = 1)
        RETURNING o.*
    ), counted AS (
        UPDATE chassis.leader SET last_sequence = last_sequence + (SELECT count(*) FROM sequenced),
            until = clock_timestamp() + make_interval(secs => $2)
        WHERE epoch = $1 RETURNING last_sequence
    )
    SELECT (SELECT last_sequence FROM counted) AS up_to, n.sequence, {_COLUMNS}
    FROM (SELECT 1) AS always LEFT JOIN sequenced n ON true ORDER BY n.sequence
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
    """An outbox row with its sequence, in the columns' order."""

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
    """The time of insertion, by the database's clock."""


class EventBatch(msgspec.Struct, frozen=True):
    """Consecutive events of the log; none at its end."""

    events: Sequence[SequencedEvent]
    up_to: int
    """The sequence up to which a topic is complete that has these events and those before."""


async def any_unsequenced(connection: DatabaseConnection) -> bool:
    """Return whether any row has no sequence; read-only, unlike assign_sequences."""
    exists: bool = await connection.fetchval(_ANY_UNSEQUENCED)
    return exists


async def assign_sequences(connection: DatabaseConnection, epoch: int) -> EventBatch:
    """Assign sequences to the next batch and renew the lease. Raises LeadershipLost."""
    rows = await connection.fetch(_ASSIGN_SEQUENCES, epoch, LEASE_S, BATCH_EVENTS, BATCH_BYTES)
    if rows[0]["up_to"] is None:
        raise LeadershipLost
    return _event_batch(rows)


async def read_sequenced(connection: DatabaseConnection, after: int) -> EventBatch:
    """Read the next batch of events after ``after`` that already have a sequence."""
    return _event_batch(await connection.fetch(_SELECT_SEQUENCED, after, BATCH_EVENTS, BATCH_BYTES))


def _event_batch(rows: Sequence[Row]) -> EventBatch:
    events = [SequencedEvent(*values) for _, *values in rows if values[0] is not None]
    return EventBatch(events, events[-1].sequence if events else rows[0]["up_to"])
