"""CloudEvents 1.0.2 in Kafka's binary content mode (Kafka Protocol Binding 1.0.2, section 3.2).

Attributes are headers with the prefix ``ce_``; ``sequence`` (extension) is a string padded to 20 digits, so that it
sorts; ``partitionkey`` (extension) repeats the record's key; ``traceparent`` is the distributed tracing extension;
``generation`` (our own extension) is the log's generation when it was published, which makes a sequence a cursor.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from services.contracts.declare import Event, EventType, event_type_named

E_co = TypeVar("E_co", bound=Event, covariant=True)

MAX_BYTES = 256_000
"""The largest event: what needs more says it in several."""

_REQUIRED = ("ce_id", "ce_source", "ce_specversion", "ce_type", "ce_subject", "ce_time", "ce_sequence")


class MalformedEvent(ValueError):
    """A record is no event as the contract says; the text tells what is amiss."""


class Raw(msgspec.Struct, frozen=True):
    """A record as it came: where it stood, and its bytes."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, str]

    @property
    def event_id(self) -> str:
        """The event's id, or, where it has none, its place, so that it can still be told apart."""
        return self.headers.get("ce_id") or f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def type(self) -> str:
        return self.headers.get("ce_type", "")

    @property
    def subject(self) -> str:
        return self.headers.get("ce_subject", "")

    @property
    def sequence(self) -> int | None:
        """The event's place in its log; None where the record says none that can be read."""
        text = self.headers.get("ce_sequence", "")
        return int(text) if text.isascii() and text.isdecimal() else None

    @property
    def generation(self) -> str:
        """The log's generation when the record was published, as a UUID's text."""
        return self.headers.get("ce_generation", "")


class Received(msgspec.Struct, Generic[E_co], frozen=True):
    """An event that was read and understood."""

    id: uuid.UUID
    type: EventType
    subject: str
    organisation_id: str | None
    time: dt.datetime
    sequence: int
    traceparent: str
    data: E_co


def headers(
    event_id: uuid.UUID,
    event_type: str,
    service: str,
    subject: str,
    time: dt.datetime,
    sequence: int,
    trace: str,
    key: str,
    generation: uuid.UUID,
) -> list[tuple[str, bytes]]:
    """The headers of an event's record."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(event_id),
        "ce_source": f"/kierto/{service}",
        "ce_type": event_type,
        "ce_subject": subject,
        "ce_time": time.isoformat().replace("+00:00", "Z"),
        "ce_sequence": f"{sequence:020}",
        "ce_partitionkey": key,
        "ce_traceparent": trace,
        "ce_generation": str(generation),
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in attributes.items()]


def raw(
    topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None, pairs: Sequence[tuple[str, bytes]]
) -> Raw:
    """A record as the consumer loop handles it. Headers that are not UTF-8 are kept readable, not refused here."""
    return Raw(topic, partition, offset, key, value, {name: text.decode("utf-8", "replace") for name, text in pairs})


def understand(record: Raw) -> Received[Event] | None:
    """The event in a record; None if this build does not know its type; MalformedEvent if it is not one."""
    attributes = record.headers
    missing = [name for name in _REQUIRED if not attributes.get(name)]
    if missing:
        raise MalformedEvent(f"missing attributes: {', '.join(missing)}")
    if attributes["ce_specversion"] != "1.0":
        raise MalformedEvent(f"specversion is {attributes['ce_specversion']}, expected 1.0")
    event_type = event_type_named(attributes["ce_type"])
    if event_type is None:
        return None
    if len(record.value or b"") > MAX_BYTES:
        raise MalformedEvent(f"larger than {MAX_BYTES} bytes")
    try:
        data = msgspec.json.decode(record.value or b"", type=event_type.struct)
        return Received(
            id=uuid.UUID(attributes["ce_id"]),
            type=event_type,
            subject=attributes["ce_subject"],
            organisation_id=getattr(data, "organisation_id", None),
            time=dt.datetime.fromisoformat(attributes["ce_time"]),
            sequence=int(attributes["ce_sequence"]),
            traceparent=attributes.get("ce_traceparent", ""),
            data=data,
        )
    except ValueError as error:
        raise MalformedEvent(str(error)) from error
