"""Spans: their ids and parents are those of ``traceparent``; none without a sampled trace or while they are off."""

import contextlib
import socket
import subprocess
import sys

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from services.chassis.telemetry import spans, tracing
from tests.support.recorded_spans import ids, parent_of, recorded_spans
from tests.support.servers import ROOT

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, NOT_SAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"


def test_a_span_has_the_ids_of_its_work_and_calls_go_out_as_its_children() -> None:
    with recorded_spans() as block, tracing.trace(SAMPLED):
        with spans.work_span("work", SpanKind.SERVER, SAMPLED, {}):
            work = tracing.traceparent()
            with spans.part_span("part", SpanKind.CLIENT, {"rpc.method": "sites/sites"}):
                part = tracing.traceparent()
        assert tracing.traceparent() == work
    assert ids(block["work"]) == tracing.ids(work)
    assert ids(block["part"]) == tracing.ids(part)
    assert parent_of(block["work"])[1] == int(PARENT, 16)
    assert parent_of(block["part"])[1] == tracing.ids(work)[1]
    assert {tracing.ids(header)[0] for header in (work, part)} == {int(TRACE, 16)}
    assert block["part"].resource.attributes["service.name"] == "orders-api"
    assert dict(block["part"].attributes or {}) == {"rpc.method": "sites/sites"}


@pytest.mark.parametrize("parent", [None, "", "nonsense"])
def test_the_first_span_of_a_trace_has_no_parent(parent: str | None) -> None:
    with recorded_spans(ratio=1) as block, tracing.trace(parent), spans.work_span("work", SpanKind.SERVER, parent, {}):
        header = tracing.traceparent()
    assert ids(block["work"]) == tracing.ids(header)
    assert block["work"].parent is None


def test_work_that_is_not_sampled_has_no_span_and_keeps_one_parent_id() -> None:
    with recorded_spans(ratio=1) as block, tracing.trace(NOT_SAMPLED):
        header = tracing.traceparent()
        with spans.work_span("work", SpanKind.SERVER, NOT_SAMPLED, {}) as work:
            assert work is None
            with spans.part_span("part", SpanKind.CLIENT, {}) as part:
                assert part is None
                assert tracing.traceparent() == header
    assert block.spans == ()


def test_a_part_outside_of_a_trace_begins_one() -> None:
    with recorded_spans(ratio=1) as block, spans.part_span("part", SpanKind.CLIENT, {}):
        assert tracing.is_sampled(tracing.current())
    assert block["part"].parent is None
    with recorded_spans(ratio=0) as block, spans.part_span("part", SpanKind.CLIENT, {}):
        assert not tracing.is_sampled(tracing.current())
    assert block.spans == ()


def test_a_failed_span_has_the_class_of_the_error_without_its_text() -> None:
    with (
        recorded_spans() as block,
        contextlib.suppress(ValueError),
        tracing.trace(SAMPLED),
        spans.work_span("work", SpanKind.SERVER, SAMPLED, {}),
    ):
        raise ValueError("mirja@example.fi")
    assert block["work"].status.status_code is StatusCode.ERROR
    assert "mirja" not in block["work"].to_json()
    assert dict(block["work"].attributes or {}) == {"error.type": "ValueError"}


@pytest.mark.parametrize(("status", "failed"), [(200, False), (404, False), (500, True), (503, True)])
def test_a_response_of_500_or_more_is_a_failure(status: int, failed: bool) -> None:
    with (
        recorded_spans() as block,
        tracing.trace(SAMPLED),
        spans.work_span("work", SpanKind.SERVER, SAMPLED, {}) as span,
    ):
        assert span is not None
        spans.record_http_status(span, status, failed_from=500)
    assert (block["work"].attributes or {})["http.response.status_code"] == status
    assert (block["work"].status.status_code is StatusCode.ERROR) == failed


def test_a_batch_has_a_span_in_the_trace_of_each_sampled_event() -> None:
    other = f"00-{'a' * 32}-{'b' * 16}-01"
    with (
        recorded_spans() as block,
        spans.batch_spans("process", SpanKind.CONSUMER, [NOT_SAMPLED, SAMPLED, other, other], {}),
    ):
        header = tracing.traceparent()
    assert {(ids(span)[0], parent_of(span)[1]) for span in block.spans} == {tracing.ids(SAMPLED), tracing.ids(other)}
    assert tracing.ids(header) in [ids(span) for span in block.spans], "its effects belong to a recorded span"
    assert tracing.ids(header)[0] == int(TRACE, 16)
    with recorded_spans() as block, spans.batch_spans("process", SpanKind.CONSUMER, [NOT_SAMPLED, ""], {}):
        assert tracing.trace_id() == TRACE
    assert block.spans == ()


def test_a_job_is_a_child_of_the_work_that_enqueued_it() -> None:
    with recorded_spans() as block, spans.trace_job("report", SAMPLED):
        header = tracing.traceparent()
    assert ids(block["process report"]) == tracing.ids(header)
    assert parent_of(block["process report"])[1] == int(PARENT, 16)
    with recorded_spans(ratio=1) as block, spans.trace_job("report", None):
        pass
    assert block["process report"].parent is None


def test_without_export_there_are_ids_and_no_spans() -> None:
    with tracing.trace(SAMPLED), spans.work_span("work", SpanKind.SERVER, SAMPLED, {}) as span:
        assert span is None
        assert tracing.trace_id() == TRACE
        assert tracing.is_sampled(tracing.traceparent()), "the decision of others is passed on"
        with spans.part_span("part", SpanKind.CLIENT, {}) as part, spans.trace_job("report", SAMPLED):
            assert part is None
    with tracing.trace(None):
        assert not tracing.is_sampled(tracing.traceparent())


def test_processes_that_do_not_export_import_neither_the_sdk_of_traces_nor_an_exporter() -> None:
    program = """
import sys, gateway.app, services.orders.app
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk.trace", "opentelemetry.exporter"))])
"""
    completed = subprocess.run(
        [sys.executable, "-P", "-c", program], check=True, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert completed.stdout == "[]\n"


def test_a_process_without_the_extra_says_so_and_ends() -> None:
    program = """
import sys
sys.modules["opentelemetry.sdk.trace"] = None
from services.chassis import process
from services.chassis.runtime.settings import ProcessSettings, SocketAddress, SpanExport
settings = ProcessSettings(listen=SocketAddress("127.0.0.1", 0), traces=SpanExport.OTLP)
sys.exit(process.run("orders-api", settings, None))
"""
    completed = subprocess.run(
        [sys.executable, "-P", "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert completed.returncode == 2
    assert "orders-api can't start: KIERTO_TRACES=otlp needs the extra telemetry" in completed.stderr


MANY_SPANS = """
import sys
from opentelemetry.trace import SpanKind
from services.chassis.telemetry import otlp, spans, tracing

with otlp.export_spans("orders-api", sys.argv[1], 1):
    for _ in range(3000):  # more than the queue holds
        with tracing.trace(None), spans.work_span("work", SpanKind.SERVER, None, {}) as span:
            assert span is not None
assert spans.SpanRecording.tracer is None
"""


def test_an_unavailable_collector_delays_neither_work_nor_the_stop() -> None:
    """In a process of its own: its exporter goes on trying while it runs. Six requests would take 30 s to time out."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # accepts connections and never answers
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        subprocess.run(
            [sys.executable, "-P", "-c", MANY_SPANS, endpoint], check=True, timeout=25, env={"PYTHONPATH": str(ROOT)}
        )
