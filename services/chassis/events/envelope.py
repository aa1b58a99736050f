"""CloudEvents 1.0.2 in Kafka's binary content mode (Kafka Protocol Binding 1.0.2, section 3.2).

Attributes are headers with the prefix ``ce_``; ``sequence`` (extension) is a string padded to 20 digits, so that it
sorts; ``partitionkey`` (extension) repeats the record's key; ``traceparent`` is the distributed tracing extension;
``generation`` (our own extension) is the log's generation when it was published, which makes a sequence a cursor.
"""

import datetime as dt
import functools
import uuid
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec
from asyncpg.pgproto.pgproto import UUID  # a uuid.UUID that the driver makes and writes several times faster

from services.contracts.declare import Event, EventType, event_type_named

E_co = TypeVar("E_co", bound=Event, covariant=True)

MAX_EVENT_BYTES = 256_000
"""The largest event: what needs more says it in several."""

_MAX_TEXT_LENGTH = 200
"""Characters of the longest id and subject."""
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
    """A record is no event as the contract says; the text tells what is amiss."""


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """A record as it came: where it stood, its bytes, and its headers by their ``names`` and ``values``.

    ``timestamp`` is the record's own, in milliseconds since 1970: when its event was written, by the database's clock.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    names: tuple[str, ...]
    values: tuple[bytes, ...]

    @property
    def headers(self) -> dict[str, str]:
        """The headers as texts. What is no UTF-8 is kept readable, not refused here."""
        return {name: _text(value) for name, value in zip(self.names, self.values, strict=True)}

    def header(self, name: str) -> str:
        """One header; empty if it is not there."""
        return self.headers.get(name, "")

    @property
    def event_id(self) -> str:
        """The event's id, or, where it has none that could be one, its place, so that it can still be told apart."""
        given = self.header("ce_id")
        if 0 < len(given) <= _MAX_TEXT_LENGTH and "\0" not in given:
            return given
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def type(self) -> str:
        return replace_nul(self.header("ce_type"))

    @property
    def subject(self) -> str:
        return replace_nul(self.header("ce_subject"))

    @property
    def sequence(self) -> int | None:
        """The event's place in its log; None where the record says none that can be read."""
        return _sequence(self.header("ce_sequence").encode())

    @property
    def generation(self) -> str:
        """The log's generation when the record was published, as a UUID's text."""
        return self.header("ce_generation")


class ReceivedEvent(msgspec.Struct, Generic[E_co], frozen=True, gc=False):
    """An event that was read and understood.

    ``time`` is when it happened, by the operator's clock, which may stand elsewhere; ``written_at`` the record's own
    time. Both are in UTC.
    """

    id: uuid.UUID
    type: EventType
    subject: str
    organisation_id: str | None
    time: dt.datetime
    written_at: dt.datetime
    sequence: int
    traceparent: str
    data: E_co


def event_source(service: str) -> str:
    """The source that a service's events name."""
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
    """The headers of an event's record."""
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
    """A text as PostgreSQL can hold it: without NUL characters."""
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
    """A record that was read.

    The names of its headers are shared with all others of the relay's: a worker keeps thousands, and most of what it
    would keep, and free again, is names.
    """
    names, values = zip(*headers, strict=True) if headers else ((), ())
    return RawRecord(
        topic, partition, offset, timestamp, key, value, _HEADER_NAMES if names == _HEADER_NAMES else names, values
    )


def unreadable_record(topic: str, partition: int, offset: int) -> RawRecord:
    """A record of which no more can be read than that it stands there."""
    return RawRecord(topic, partition, offset, 0, None, None, (), ())


def decode_event(record: RawRecord) -> ReceivedEvent[Event] | None:
    """The event in a record; None if this build does not know its type; MalformedEvent if it is not one."""
    values = record.values if record.names is _HEADER_NAMES else _ordered_values(record)
    version, event_id, source, name, about, happened, place, _, trace, _, _ = values
    if not (version and event_id and source and name and about and happened and place):
        missing = [name for name, value in zip(_REQUIRED_HEADERS, values, strict=False) if not value]
        raise MalformedEvent(f"missing attributes: {', '.join(missing)}")
    if version != b"1.0":
        raise MalformedEvent(f"specversion is {_text(version)}, expected 1.0")
    event_type = event_type_named(_text(name))
    if event_type is None:
        return None
    if len(record.value or b"") > MAX_EVENT_BYTES:
        raise MalformedEvent(f"larger than {MAX_EVENT_BYTES} bytes")
    subject = _text(about)
    if len(subject) > _MAX_TEXT_LENGTH or "\0" in subject:
        raise MalformedEvent(f"its subject has more than {_MAX_TEXT_LENGTH} characters, or a NUL")
    sequence = _sequence(place)
    if sequence is None:
        raise MalformedEvent("its sequence is no number")
    try:
        time = dt.datetime.fromisoformat(happened.decode())
        if time.tzinfo is None:
            raise MalformedEvent("its time has no zone")
        data = _decoder(event_type.struct).decode(record.value or b"")
        return ReceivedEvent(
            id=UUID(event_id.decode()),
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
        raise MalformedEvent(str(error)) from error


def _ordered_values(record: RawRecord) -> tuple[bytes, ...]:
    """Another producer's headers in the relay's order: empty what is not there."""
    found = dict(zip(record.names, record.values, strict=True))
    return tuple(found.get(name, b"") for name in _HEADER_NAMES)


def _text(header: bytes) -> str:
    return header.decode("utf-8", "replace")


def _sequence(header: bytes) -> int | None:
    return int(header) if header.isdigit() and len(header) <= _SEQUENCE_DIGITS else None


@functools.cache
def _decoder(struct: type[Event]) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(struct)
