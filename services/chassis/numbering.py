"""Numbering: the leader gives committed outbox rows their sequence, gapless, in the order of writing."""

import datetime as dt
import uuid

import msgspec

from services.chassis.lease import LEASE_S, Deposed
from services.chassis.postgres import Connection, Row

# One statement: the leader row is locked first, so that a new leader can't begin while an old one numbers, and a
# deposed one finds no row to begin with. "sequence IS NULL" is asked again of the locked row.
_NUMBER = """
    WITH leader AS (
        SELECT last_sequence FROM chassis.leader WHERE epoch = $1 AND until > clock_timestamp() FOR UPDATE
    ), batch AS (
        SELECT position, row_number() OVER (ORDER BY position) AS n FROM (
            SELECT position FROM chassis.outbox WHERE sequence IS NULL ORDER BY position LIMIT $2
        ) AS unnumbered
        WHERE EXISTS (SELECT 1 FROM leader)
    ), numbered AS (
        UPDATE chassis.outbox o SET sequence = leader.last_sequence + batch.n
        FROM batch, leader WHERE o.position = batch.position AND o.sequence IS NULL
        RETURNING o.*
    ), counted AS (
        UPDATE chassis.leader SET last_sequence = last_sequence + (SELECT count(*) FROM numbered),
            until = clock_timestamp() + make_interval(secs => $3)
        WHERE epoch = $1 RETURNING true
    )
    SELECT n.sequence, event_id, type, subject, organisation_id, partition, occurred_at, traceparent, data,
           (SELECT true FROM counted) AS leading
    FROM (SELECT 1) AS always LEFT JOIN numbered n ON true ORDER BY n.sequence
"""
_WAITING = "SELECT EXISTS (SELECT 1 FROM chassis.outbox WHERE sequence IS NULL)"
_FROM_LOG = """
    SELECT sequence, event_id, type, subject, organisation_id, partition, occurred_at, traceparent, data
    FROM chassis.outbox WHERE sequence > $1 ORDER BY sequence LIMIT $2
"""


class Numbered(msgspec.Struct, frozen=True):
    """An event with its place among all of its service."""

    sequence: int
    event_id: uuid.UUID
    type: str
    subject: str
    organisation_id: uuid.UUID | None
    partition: int
    occurred_at: dt.datetime
    traceparent: str
    data: bytes

    @classmethod
    def of(cls, row: Row) -> "Numbered":
        return cls(
            row["sequence"],
            row["event_id"],
            row["type"],
            row["subject"],
            row["organisation_id"],
            row["partition"],
            row["occurred_at"],
            row["traceparent"],
            row["data"],
        )


async def waiting(connection: Connection) -> bool:
    """Whether there is anything to number: a look that writes nothing."""
    found: bool = await connection.fetchval(_WAITING)
    return found


async def number(connection: Connection, epoch: int, limit: int) -> list[Numbered]:
    """Number up to ``limit`` events and renew the lease; Deposed if another leads."""
    rows = await connection.fetch(_NUMBER, epoch, limit, LEASE_S)
    if not rows[0]["leading"]:
        raise Deposed
    return [Numbered.of(row) for row in rows if row["sequence"] is not None]


async def from_log(connection: Connection, after: int, limit: int) -> list[Numbered]:
    """Up to ``limit`` numbered events behind ``after``, in order."""
    return [Numbered.of(row) for row in await connection.fetch(_FROM_LOG, after, limit)]
