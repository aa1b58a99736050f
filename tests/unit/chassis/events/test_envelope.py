"""Envelopes, cursors and partitions of events, and the clock, traces and sort keys beside them."""

import datetime as dt
import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.events import envelope
from services.chassis.events.envelope import MalformedEvent, ReceivedEvent, UnknownEvent, decode_event, raw_record
from services.chassis.events.event_log import START, Cursor, LogBounds
from services.chassis.events.outbox import PARTITIONS, partition_of
from services.contracts.identity.events import SessionEnded


@given(st.uuids(), st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_is_read_as_it_was_written(generation: uuid.UUID, sequence: int) -> None:
    assert Cursor.parse(str(Cursor(generation, sequence))) == Cursor(generation, sequence)


@pytest.mark.parametrize("text", ["", "x", "ä", "AAAA", "!" * 32, "A" * 33])
def test_any_other_text_is_no_cursor(text: str) -> None:
    assert Cursor.parse(text) is None


def test_a_cursor_outside_its_log_has_expired() -> None:
    generation = uuid.uuid4()
    bounds = LogBounds(generation, first_sequence=11, last_sequence=20)
    assert bounds.resolve(None) == Cursor(generation, 20)
    assert bounds.resolve(START) == Cursor(generation, 10)
    for sequence, retained in ((9, False), (10, True), (20, True), (21, False)):
        assert (bounds.resolve(str(Cursor(generation, sequence))) is not None) is retained
    assert bounds.resolve(str(Cursor(uuid.uuid4(), 15))) is None
    assert bounds.resolve("nonsense") is None


@given(st.text(min_size=1))
def test_a_key_always_has_the_same_partition(key: str) -> None:
    assert 0 <= partition_of(key) < PARTITIONS
    assert partition_of(key) == partition_of(key)


TIME = dt.datetime(2026, 3, 4, 8, tzinfo=dt.UTC)
EVENT_ID = uuid.UUID("01a20309-a2a5-7636-bab6-a73d94d94795")
HEADERS = envelope.event_headers(
    EVENT_ID, "identity.session.ended", "identity", "session_1", TIME, 7, "00-x", "session_1", EVENT_ID
)
VALUE = b'{"sessionId":"session_1","subjectId":"user_1"}'


def test_an_event_is_read_as_it_was_written() -> None:
    event = decode_event(raw_record("t", 0, 0, 0, b"k", VALUE, HEADERS))
    assert isinstance(event, ReceivedEvent)
    assert (event.id, event.time, event.sequence, event.subject) == (EVENT_ID, TIME, 7, "session_1")
    assert event.data == SessionEnded(session_id="session_1", subject_id="user_1")


def test_another_producer_may_order_its_headers_differently() -> None:
    headers = [*reversed(HEADERS), ("something", b"else")]
    assert decode_event(raw_record("t", 0, 0, 0, b"k", VALUE, headers)) == decode_event(
        raw_record("t", 0, 0, 0, b"k", VALUE, HEADERS)
    )


@pytest.mark.parametrize(
    "name", ["ce_id", "ce_source", "ce_specversion", "ce_type", "ce_subject", "ce_time", "ce_sequence"]
)
def test_an_event_without_an_attribute_is_malformed(name: str) -> None:
    with pytest.raises(MalformedEvent, match=name):
        decode_event(raw_record("t", 0, 0, 0, b"k", VALUE, [pair for pair in HEADERS if pair[0] != name]))


@pytest.mark.parametrize(
    ("value", "changed"),
    [
        (b"not json", {}),
        (b"{}", {}),
        (None, {}),
        (b'{"sessionId":1}', {}),
        (VALUE + b" " * 300_000, {}),
        (VALUE, {"ce_id": b"no uuid"}),
        (VALUE, {"ce_time": b"yesterday"}),
        (VALUE, {"ce_sequence": b"seven"}),
        (VALUE, {"ce_specversion": b"0.3"}),
    ],
)
def test_invalid_data_and_headers_are_malformed(value: bytes | None, changed: dict[str, bytes]) -> None:
    pairs = [(name, changed.get(name, text)) for name, text in HEADERS]
    with pytest.raises(MalformedEvent):
        decode_event(raw_record("t", 0, 0, 0, b"k", value, pairs))


def test_an_unknown_type_is_not_malformed() -> None:
    pairs = [(name, b"identity.session.painted" if name == "ce_type" else text) for name, text in HEADERS]
    assert decode_event(raw_record("t", 0, 0, 0, b"k", VALUE, pairs)) == UnknownEvent(None, "unknown type")


ACCESS = {"subjectId": "user_1", "kind": "USER", "version": 1, "active": True, "scopes": []}
GRANT = {"organisationId": "org_1", "role": "EDITOR"}


def decode_access(**changed: object) -> object:
    pairs = [(name, b"identity.access.stated" if name == "ce_type" else text) for name, text in HEADERS]
    value = msgspec.json.encode(ACCESS | {"grants": [GRANT]} | changed)
    return decode_event(raw_record("t", 0, 0, 0, b"k", value, pairs))


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"kind": "ROBOT"}, "$.kind"),
        ({"grants": [GRANT, GRANT | {"role": "AUDITOR"}]}, "$.grants[1].role"),
        ({"kind": "ROBOT", "colour": "GREEN"}, "$.kind"),
    ],
)
def test_an_unknown_enum_value_is_not_malformed(changed: dict[str, object], place: str) -> None:
    unknown = decode_access(**changed)
    assert isinstance(unknown, UnknownEvent)
    assert unknown.type is not None
    assert unknown.type.name == "identity.access.stated"
    assert unknown.reason.startswith("unknown value: ")
    assert place in unknown.reason


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": 7},
        {"kind": None},
        {"kind": "ROBOT", "version": "one"},
        {"kind": "ROBOT", "grants": [{"role": "EDITOR"}]},
        {"kind": "ROBOT", "grants": [GRANT | {"until": "tomorrow"}]},
        {"kind": "ROBOT", "part": None},
    ],
)
def test_a_fault_beside_an_unknown_enum_value_is_malformed(changed: dict[str, object]) -> None:
    with pytest.raises(MalformedEvent):
        decode_access(**changed)
