"""CloudEvents 1.0.2 in Kafka's binary content mode (Kafka Protocol Binding 1.0.2, section 3.2).

Attributes are headers with the prefix ``ce_``. Extensions: ``sequence`` is padded to 20 digits, so that it sorts as a
string; ``partitionkey`` repeats the record's key; ``traceparent`` is of distributed tracing; ``generation``, Kierto's
own, is the event log's generation at publication: with the sequence it makes a cursor.
"""

import datetime as dt
import functools
import uuid
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec
from asyncpg.pgproto.pgproto import UUID  # a uuid.UUID that asyncpg creates and encodes several times faster

from services.chassis.events.open_enums import has_unknown_value
from services.contracts.declare import Event, EventType, event_type_named

E_co = TypeVar("E_co", bound=Event, covariant=True)

MAX_EVENT_BYTES = 256_000
"""The largest size of an event's data."""

_MAX_TEXT_LENGTH = 200
"""The largest length of an id or a subject, in characters."""
_SEQUENCE_DIGITS = 20

_HEADER_NAMES = (
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_subject",
    "ce_time",
    "ce_sequence",
    "ce_partitionkey",
    "ce_traceparent",
    "ce_generation",
    "content-type",
)
"""The headers of an event's record, in the order in which the relay writes them."""
_REQUIRED_HEADERS = _HEADER_NAMES[:7]


class MalformedEvent(ValueError):
    """A record that violates CloudEvents or its event type's contract; the message names the violation."""


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """A Kafka record before decoding."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds since 1970: the time at which the event was written, by the database's clock."""
    key: bytes | None
    value: bytes | None
    names: tuple[str, ...]
    """The names of its headers."""
    values: tuple[bytes, ...]
    """The values of its headers, in the order of ``names``."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers as text; bytes that are not UTF-8 are replaced, not refused."""
        return {name: _text(value) for name, value in zip(self.names, self.values, strict=True)}

    def header(self, name: str) -> str:
        """Return a header's value; empty if the record lacks it."""
        return self.headers.get(name, "")

    @property
    def event_id(self) -> str:
        """The event's id; the record's position in place of an id that is missing or unusable."""
        event_id = self.header("ce_id")
        if 0 < len(event_id) <= _MAX_TEXT_LENGTH and "\0" not in event_id:
            return event_id
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def type(self) -> str:
        return replace_nul(self.header("ce_type"))

    @property
    def subject(self) -> str:
        return replace_nul(self.header("ce_subject"))

    @property
    def sequence(self) -> int | None:
        """The event's sequence in its log; None if the header is missing or no number."""
        return _sequence(self.header("ce_sequence").encode())

    @property
    def generation(self) -> str:
        """The log's generation at publication, a UUID's text."""
        return self.header("ce_generation")


class ReceivedEvent(msgspec.Struct, Generic[E_co], frozen=True, gc=False):
    """A decoded event. Its times are in UTC."""

    id: uuid.UUID
    type: EventType
    subject: str
    organisation_id: str | None
    time: dt.datetime
    """The time at which the event happened, by the operator's clock, which may differ from the machine's."""
    written_at: dt.datetime
    """The record's timestamp."""
    sequence: int
    traceparent: str
    data: E_co


class UnknownEvent(msgspec.Struct, frozen=True):
    """An event that only a newer build can decode."""

    type: EventType | None
    """The event's type; None if this build does not know it."""
    reason: str
    """The unknown type, or the unknown value and its place."""


DecodedRecord = tuple[RawRecord, ReceivedEvent[Event] | UnknownEvent | MalformedEvent]
"""A record and its event."""


def event_source(service: str) -> str:
    """Return the CloudEvents source of a service's events."""
    return f"/kierto/{service}"


def event_headers(
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
    """Encode the headers of an event's record."""
    attributes = (
        b"1.0",
        str(event_id).encode(),
        event_source(service).encode(),
        event_type.encode(),
        subject.encode(),
        time.isoformat().replace("+00:00", "Z").encode(),
        b"%020d" % sequence,
        key.encode(),
        trace.encode(),
        str(generation).encode(),
        b"application/json",
    )
    return list(zip(_HEADER_NAMES, attributes, strict=True))


def replace_nul(text: str) -> str:
    """Replace NUL characters, which PostgreSQL refuses in text."""
    return text.replace("\0", "\ufffd")


def raw_record(
    topic: str,
    partition: int,
    offset: int,
    timestamp: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]],
) -> RawRecord:
    """Build a record.

    All records of the relay share one tuple of header names: a worker holds thousands of records, and the names would
    be most of what it allocates and frees.
    """
    names, values = zip(*headers, strict=True) if headers else ((), ())
    return RawRecord(
        topic, partition, offset, timestamp, key, value, _HEADER_NAMES if names == _HEADER_NAMES else names, values
    )


def unreadable_record(topic: str, partition: int, offset: int) -> RawRecord:
    """Build the placeholder of a record that aiokafka can't decode: only its position is known."""
    return RawRecord(topic, partition, offset, 0, None, None, (), ())


def decode_event(record: RawRecord) -> ReceivedEvent[Event] | UnknownEvent:
    """Decode the event of a record. Raises MalformedEvent."""
    values = record.values if record.names is _HEADER_NAMES else _ordered_values(record)
    version, event_id, source, type_name, encoded_subject, encoded_time, encoded_sequence, _, trace, _, _ = values
    if not (version and event_id and source and type_name and encoded_subject and encoded_time and encoded_sequence):
        missing = [name for name, value in zip(_REQUIRED_HEADERS, values, strict=False) if not value]
        raise MalformedEvent(f"missing attributes: {', '.join(missing)}")
    if version != b"1.0":
        raise MalformedEvent(f"specversion is {_text(version)}, expected 1.0")
    event_type = event_type_named(_text(type_name))
    if event_type is None:
        return UnknownEvent(None, "unknown type")
    if len(record.value or b"") > MAX_EVENT_BYTES:
        raise MalformedEvent(f"larger than {MAX_EVENT_BYTES} bytes")
    subject = _text(encoded_subject)
    if len(subject) > _MAX_TEXT_LENGTH or "\0" in subject:
        raise MalformedEvent(f"its subject has more than {_MAX_TEXT_LENGTH} characters, or a NUL")
    sequence = _sequence(encoded_sequence)
    if sequence is None:
        raise MalformedEvent("its sequence is no number")
    try:
        time = dt.datetime.fromisoformat(encoded_time.decode())
        if time.tzinfo is None:
            raise MalformedEvent("its time has no zone")
        decoded_id = UUID(event_id.decode())
        data = _decoder(event_type.struct).decode(record.value or b"")
        return ReceivedEvent(
            id=decoded_id,
            type=event_type,
            subject=subject,
            organisation_id=getattr(data, "organisation_id", None),
            time=time.astimezone(dt.UTC),
            written_at=dt.datetime.fromtimestamp(record.timestamp / 1000, dt.UTC),
            sequence=sequence,
            traceparent=_text(trace),
            data=data,
        )
    except (ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError) and has_unknown_value(event_type.struct, record.value or b""):
            return UnknownEvent(event_type, f"unknown value: {error}")
        raise MalformedEvent(str(error)) from error


def _ordered_values(record: RawRecord) -> tuple[bytes, ...]:
    """Order another producer's headers as the relay does; empty for those that are missing."""
    headers = dict(zip(record.names, record.values, strict=True))
    return tuple(headers.get(name, b"") for name in _HEADER_NAMES)


def _text(header: bytes) -> str:
    return header.decode("utf-8", "replace")


def _sequence(header: bytes) -> int | None:
    return int(header) if header.isdigit() and len(header) <= _SEQUENCE_DIGITS else None


@functools.cache
def _decoder(struct: type[Event]) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(struct)
