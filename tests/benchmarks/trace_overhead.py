"""Overhead of spans on a portal page: of the checks while they are off, and of a sampling of 1 % by turns with off.

The gateway and stubs of its services share the process, so that the CPU is that of both sides of each call.
"""

import statistics
import time
import timeit
from collections.abc import Sequence

import msgspec
import structlog
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

from gateway.request_spans import record_errors, record_response, request_span
from services.chassis.rpc import call_spans
from services.chassis.telemetry import otlp, spans
from services.chassis.telemetry.spans import SpanRecording
from tests.benchmarks.contest.pages import PORTAL
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.support.quotas import UNLIMITED
from tests.support.servers import Servers

ROUNDS, PAGES = 15, 300
RATIO = 0.01
_CALLS = 20_000


class TraceOverhead(msgspec.Struct, frozen=True):
    """Seconds of CPU of a page."""

    page: float
    """The whole page, with spans off."""
    off: float
    """The checks on its way while spans are off."""
    sampled: float
    """The page with a sampling of 1 %, divided by the one with spans off: the median of the rounds' ratios."""


class _EncodingExporter(SpanExporter):
    """An exporter whose collector takes no time of this process."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        encode_spans(spans).SerializeToString()
        return SpanExportResult.SUCCESS


async def measure(servers: Servers, *, rounds: int = ROUNDS, pages: int = PAGES) -> TraceOverhead:
    """Measure both, by turns in each round."""
    # Without a configuration structlog formats each line for a terminal, which takes longer than a small page.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    async with run_gateway(servers, quotas=UNLIMITED) as gateway:
        token = gateway.user()
        await _cost(gateway, token, pages)  # connections are open, caches are warm
        off, on = list[float](), list[float]()
        # One exporter for all rounds: its start and its end take as long as many pages.
        with otlp.record_spans("gateway", _EncodingExporter(), RATIO):
            tracer = SpanRecording.tracer
            for _ in range(rounds):
                for seconds in (off, on) if len(off) % 2 else (on, off):  # in turn first and second
                    SpanRecording.tracer = tracer if seconds is on else None
                    seconds.append(await _cost(gateway, token, pages))
    checks = min(timeit.repeat(_pass_checks, number=_CALLS, repeat=5)) / _CALLS
    ratios = [sampled / unrecorded for sampled, unrecorded in zip(on, off, strict=True)]
    return TraceOverhead(statistics.median(off), checks, statistics.median(ratios))


async def _cost(gateway: GatewayFixture, token: str, pages: int) -> float:
    """Return the CPU seconds of a page, one by one."""
    began = time.process_time()
    for _ in range(pages):
        answer = await gateway.execute(PORTAL.text, token, first=PORTAL.sites)
        assert "errors" not in answer, answer
    return (time.process_time() - began) / pages


def _pass_checks() -> None:
    """Pass every check of a portal page with its calls of services, at both of their sides."""
    with request_span("POST", "") as request:
        with spans.part_span("query", SpanKind.INTERNAL, None) as operation:
            for _ in range(PORTAL.calls):
                assert SpanRecording.tracer is None
                with call_spans.server_span("sites", "sites", SpanKind.SERVER, None) as call:
                    call_spans.record_server_status(call, 200)
            record_errors(operation, 0)
        record_response(request, 200)
