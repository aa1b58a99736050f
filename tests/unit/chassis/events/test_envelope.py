"""Envelopes, cursors and partitions of events, and the clock, traces and sort keys beside them."""

import datetime as dt
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.db.sort_keys import search_text, sort_key
from services.chassis.events import envelope
from services.chassis.events.envelope import MalformedEvent, decode_event, raw_record
from services.chassis.events.event_log import START, Cursor, LogBounds
from services.chassis.events.outbox import PARTITIONS, partition_of
from services.chassis.runtime.clock import SystemClock
from services.chassis.telemetry import tracing
from services.contracts.identity import SessionEnded


def test_the_clock_follows_its_file(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = SystemClock("Europe/Helsinki", file)
    assert abs(clock.now() - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5)
    file.write_text("864000.0")
    moved = SystemClock("Europe/Helsinki", file)
    assert abs(moved.now() - dt.datetime.now(dt.UTC) - dt.timedelta(days=10)) < dt.timedelta(seconds=5)
    assert moved.today() == moved.now().astimezone(moved.zone).date()


def test_a_trace_is_continued_or_started() -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with tracing.trace(parent) as trace_id:
        assert trace_id == "4bf92f3577b34da6a3ce929d0e0e4736" == tracing.trace_id()
        traceparent = tracing.traceparent()
        assert traceparent.startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
        assert traceparent == tracing.traceparent() != parent, "one span id for this work, other than its parent's"
        with tracing.trace(traceparent) as child:
            assert child == trace_id
            assert tracing.traceparent() != traceparent
    for malformed in (None, "", "00-0-0-01", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", parent + "x"):
        with tracing.trace(malformed) as trace_id:
            assert len(trace_id) == 32
            assert trace_id != "4bf92f3577b34da6a3ce929d0e0e4736"
    assert tracing.trace_id() is None


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


def test_names_sort_as_people_expect() -> None:
    streets = ["Östergatan 1", "Åvägen 3", "Katu 10", "Katu 9", "Ängsvägen 2", "aamutie 1", "Zeppelinkatu 1"]
    assert sorted(streets, key=sort_key) == [
        "aamutie 1",
        "Katu 9",
        "Katu 10",
        "Zeppelinkatu 1",
        "Åvägen 3",
        "Ängsvägen 2",
        "Östergatan 1",
    ]
    assert search_text("  EKOKAARI  50 ", "Keltakangas") == "ekokaari 50 keltakangas"
    assert search_text("x", "😀" * 400) == "x " + "😀" * 249  # 1,000 bytes at most, and whole characters


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
    assert event is not None
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
    assert decode_event(raw_record("t", 0, 0, 0, b"k", VALUE, pairs)) is None
