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

MAX_BYTES = 256_000
"""The largest event: what needs more says it in several."""

_LONGEST = 200
"""Characters of the longest id and subject."""
_DIGITS = 20

_REQUIRED = ("ce_id", "ce_source", "ce_specversion", "ce_type", "ce_subject", "ce_time", "ce_sequence")


class MalformedEvent(ValueError):
    """A record is no event as the contract says; the text tells what is amiss."""


class Raw(msgspec.Struct, frozen=True, gc=False):
    """A record as it came: where it stood, its bytes, and its headers as ``pairs``."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    pairs: Sequence[tuple[str, bytes]]

    @property
    def headers(self) -> dict[str, str]:
        """The headers as texts. What is no UTF-8 is kept readable, not refused here."""
        return {name: _text(text) for name, text in self.pairs}

    def header(self, name: str) -> str:
        """One header; empty if it is not there."""
        return _text(dict(self.pairs).get(name, b""))

    @property
    def event_id(self) -> str:
        """The event's id, or, where it has none that could be one, its place, so that it can still be told apart."""
        given = self.header("ce_id")
        if 0 < len(given) <= _LONGEST and "\0" not in given:
            return given
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def type(self) -> str:
        return readable(self.header("ce_type"))

    @property
    def subject(self) -> str:
        return readable(self.header("ce_subject"))

    @property
    def sequence(self) -> int | None:
        """The event's place in its log; None where the record says none that can be read."""
        return _sequence(dict(self.pairs).get("ce_sequence", b""))

    @property
    def generation(self) -> str:
        """The log's generation when the record was published, as a UUID's text."""
        return self.header("ce_generation")


class Received(msgspec.Struct, Generic[E_co], frozen=True, gc=False):
    """An event that was read and understood. ``time`` is in UTC."""

    id: uuid.UUID
    type: EventType
    subject: str
    organisation_id: str | None
    time: dt.datetime
    sequence: int
    traceparent: str
    data: E_co


def source_of(service: str) -> str:
    """The source that a service's events name."""
    return f"/kierto/{service}"


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
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event_id).encode()),
        ("ce_source", source_of(service).encode()),
        ("ce_type", event_type.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", time.isoformat().replace("+00:00", "Z").encode()),
        ("ce_sequence", b"%020d" % sequence),
        ("ce_partitionkey", key.encode()),
        ("ce_traceparent", trace.encode()),
        ("ce_generation", str(generation).encode()),
        ("content-type", b"application/json"),
    ]


def readable(text: str) -> str:
    """A text as PostgreSQL can hold it: without NUL characters."""
    return text.replace("\0", "\ufffd")


def unreadable(topic: str, partition: int, offset: int) -> Raw:
    """A record of which no more can be read than that it stands there."""
    return Raw(topic, partition, offset, None, None, ())


def understand(record: Raw) -> Received[Event] | None:
    """The event in a record; None if this build does not know its type; MalformedEvent if it is not one."""
    attributes = dict(record.pairs)
    if not all(map(attributes.get, _REQUIRED)):
        missing = [name for name in _REQUIRED if not attributes.get(name)]
        raise MalformedEvent(f"missing attributes: {', '.join(missing)}")
    if attributes["ce_specversion"] != b"1.0":
        raise MalformedEvent(f"specversion is {record.header('ce_specversion')}, expected 1.0")
    event_type = event_type_named(_text(attributes["ce_type"]))
    if event_type is None:
        return None
    if len(record.value or b"") > MAX_BYTES:
        raise MalformedEvent(f"larger than {MAX_BYTES} bytes")
    subject = _text(attributes["ce_subject"])
    if len(subject) > _LONGEST or "\0" in subject:
        raise MalformedEvent(f"its subject has more than {_LONGEST} characters, or a NUL")
    sequence = _sequence(attributes["ce_sequence"])
    if sequence is None:
        raise MalformedEvent("its sequence is no number")
    try:
        time = dt.datetime.fromisoformat(attributes["ce_time"].decode())
        if time.tzinfo is None:
            raise MalformedEvent("its time has no zone")
        data = _decoder(event_type.struct).decode(record.value or b"")
        return Received(
            id=UUID(attributes["ce_id"].decode()),
            type=event_type,
            subject=subject,
            organisation_id=getattr(data, "organisation_id", None),
            time=time.astimezone(dt.UTC),
            sequence=sequence,
            traceparent=_text(attributes.get("ce_traceparent", b"")),
            data=data,
        )
    except (ValueError, OverflowError, RecursionError) as error:
        raise MalformedEvent(str(error)) from error


def _text(header: bytes) -> str:
    return header.decode("utf-8", "replace")


def _sequence(header: bytes) -> int | None:
    return int(header) if header.isdigit() and len(header) <= _DIGITS else None


@functools.cache
def _decoder(struct: type[Event]) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(struct)
