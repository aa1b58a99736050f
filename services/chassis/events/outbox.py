"""The transactional outbox: a change and its events are committed together or not at all."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from aiokafka.partitioner import murmur2

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.envelope import MAX_EVENT_BYTES
from services.chassis.ids import new_uuid, read_id
from services.chassis.telemetry import tracing
from services.contracts.declare import Event, event_type_of, is_stated

PARTITIONS = 6
"""The number of partitions of every topic. It must not change: the order of events depends on it."""

CHANNEL = "outbox"
"""The NOTIFY channel to which the relay listens."""
WAKE_UP = f"NOTIFY {CHANNEL}"
"""The statement that wakes the relay, after the commit."""

_INSERT = """
    INSERT INTO chassis.outbox
        (event_id, type, subject, organisation_id, site_id, partition, occurred_at, traceparent, public, data)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::smallint[],
                         $7::timestamptz[], $8::text[], $9::boolean[], $10::bytea[])
"""


class EventTooLarge(ValueError):
    """An event of more than MAX_EVENT_BYTES: its transaction is rolled back."""


class TracedEvent(NamedTuple):
    """An event and the ``traceparent`` of the work that emitted it; None outside of a trace."""

    event: Event
    traceparent: str | None


_encoder = msgspec.json.Encoder()


def partition_key(event_type: str, organisation: str | None, subject: str) -> str:
    """Return the key of an event's record: its organisation if it has one; the subject of a stated event.

    So all versions of a thing are in one partition, also when its organisation changes.
    """
    return subject if organisation is None or is_stated(event_type) else organisation


def partition_of(key: str) -> int:
    """Return a key's partition as Kafka's default partitioner does."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS)


async def write(connection: DatabaseConnection, events: Sequence[TracedEvent], now: dt.datetime) -> None:
    """Insert events, in this order, in the current transaction. Raises EventTooLarge."""
    if not events:
        return
    default = tracing.traceparent()
    rows = []
    for event, trace in events:
        event_type = event_type_of(event)
        subject = getattr(event, event_type.subject)
        organisation = getattr(event, "organisation_id", None)
        data = _encoder.encode(event)
        if len(data) > MAX_EVENT_BYTES:
            raise EventTooLarge(f"{event_type.name} about {subject} has {len(data)} bytes, {MAX_EVENT_BYTES} at most")
        partition = partition_of(partition_key(event_type.name, organisation, subject))
        organisation_id = read_id("org", organisation) if organisation else None
        site = getattr(event, event_type.site) if event_type.site else None
        rows.append(
            (
                new_uuid(),
                event_type.name,
                subject,
                organisation_id,
                read_id("site", site) if site else None,
                partition,
                now,
                trace or default,
                event_type.public,
                data,
            )
        )
    await connection.execute(_INSERT, *map(list, zip(*rows, strict=True)))
