"""The outbox: events are rows of the transaction that they are about, and so happen with it or not at all."""

import datetime as dt
from collections.abc import Sequence

import msgspec
from aiokafka.partitioner import murmur2

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.envelope import MAX_EVENT_BYTES
from services.chassis.ids import new_uuid, read_id
from services.chassis.telemetry import tracing
from services.contracts.declare import Event, event_type_of

PARTITIONS = 6
"""Partitions of every topic. Never changed in place: the order of an organisation's events hangs on it."""

CHANNEL = "outbox"
"""The NOTIFY channel that wakes the relay."""

_INSERT = """
    INSERT INTO chassis.outbox
        (event_id, type, subject, organisation_id, partition, occurred_at, traceparent, public, data)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::smallint[], $6::timestamptz[],
                         $7::text[], $8::boolean[], $9::bytea[])
"""


class EventTooLarge(ValueError):
    """A change announces more in one event than an event may hold: the change does not happen."""


_encoder = msgspec.json.Encoder()


def partition_key(event: Event, subject: str) -> str:
    """What an event's place in the topic follows: its organisation, else its subject."""
    return getattr(event, "organisation_id", None) or subject


def partition_of(key: str) -> int:
    """The partition of a key, as Kafka's own default partitioner finds it."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS)


async def write(connection: DatabaseConnection, events: Sequence[Event], now: dt.datetime) -> None:
    """Write events, in this order, into the present transaction. EventTooLarge if one is."""
    if not events:
        return
    trace = tracing.traceparent()
    rows = []
    for event in events:
        kind = event_type_of(event)
        subject = getattr(event, kind.subject)
        organisation = getattr(event, "organisation_id", None)
        data = _encoder.encode(event)
        if len(data) > MAX_EVENT_BYTES:
            raise EventTooLarge(f"{kind.name} about {subject} has {len(data)} bytes, {MAX_EVENT_BYTES} at most")
        partition = partition_of(partition_key(event, subject))
        org = read_id("org", organisation) if organisation else None
        rows.append((new_uuid(), kind.name, subject, org, partition, now, trace, kind.public, data))
    await connection.execute(_INSERT, *map(list, zip(*rows, strict=True)))
