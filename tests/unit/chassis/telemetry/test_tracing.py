"""Trace context: a valid parent is continued, and any other begins a new trace."""

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
