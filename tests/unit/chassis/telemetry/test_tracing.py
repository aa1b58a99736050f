"""Trace context: a valid parent is continued, and any other begins a new trace."""

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from services.chassis.telemetry import tracing


def test_a_trace_is_continued_or_started() -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with tracing.trace(parent) as trace_id:
        assert trace_id == "4bf92f3577b34da6a3ce929d0e0e4736" == tracing.trace_id()
        outgoing = tracing.traceparent()
        assert outgoing.startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
        assert outgoing == tracing.traceparent() != parent, "all calls of this work carry one parent id, its own"
        with tracing.trace(outgoing) as child:
            assert child == trace_id
            assert tracing.traceparent() != outgoing
    for malformed in (None, "", "00-0-0-01", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", parent + "x"):
        with tracing.trace(malformed) as trace_id:
            assert len(trace_id) == 32
            assert trace_id != "4bf92f3577b34da6a3ce929d0e0e4736"
    assert tracing.trace_id() is None


@pytest.mark.parametrize(("flags", "sampled"), [("01", True), ("03", True), ("ff", True), ("00", False), ("02", False)])
def test_the_flag_sampled_is_passed_on(flags: str, sampled: bool) -> None:
    with tracing.trace(f"00-{'a' * 32}-{'b' * 16}-{flags}"):
        assert tracing.traceparent().endswith("-01" if sampled else "-00")
        assert tracing.is_sampled(tracing.current()) == sampled


@pytest.mark.parametrize(("ratio", "sampled"), [(0, False), (1, True)])
def test_the_ratio_decides_on_new_traces(ratio: float, sampled: bool) -> None:
    tracing.sample_new_traces(ratio)
    try:
        for parent in (None, "nonsense"):
            with tracing.trace(parent):
                assert tracing.is_sampled(tracing.traceparent()) == sampled
    finally:
        tracing.sample_new_traces(0)


def test_the_ratio_decides_as_opentelemetry_does() -> None:
    reference = TraceIdRatioBased(0.25)
    tracing.sample_new_traces(0.25)
    try:
        decisions = []
        for _ in range(200):
            with tracing.trace(None):
                header = tracing.traceparent()
            decision = reference.should_sample(None, tracing.ids(header)[0], "work").decision
            decided = decision is Decision.RECORD_AND_SAMPLE
            assert tracing.is_sampled(header) == decided
            decisions.append(decided)
    finally:
        tracing.sample_new_traces(0)
    assert len(set(decisions)) == 2
