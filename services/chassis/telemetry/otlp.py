"""Export of spans to a collector by OTLP over HTTP. Only processes that export import this module and the SDK.

Spans wait in a bounded queue, which a thread sends in batches. While the collector does not answer they are dropped:
no request waits for it.
"""

import contextlib
import threading
from collections.abc import Iterator

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from services.chassis.telemetry import tracing
from services.chassis.telemetry.spans import SpanRecording

_REQUEST_TIMEOUT_S = 5
"""Timeout of a request to the collector, with its retries."""
_FLUSH_TIMEOUT_S = 1.0
"""Time in which a stopping process sends its last spans; the others are dropped."""


class _IdsOfWork(IdGenerator):
    """The ids of the present work, for its span."""

    def generate_trace_id(self) -> int:
        return _ids()[0]

    def generate_span_id(self) -> int:
        return _ids()[1]


def _ids() -> tuple[int, int]:
    header = tracing.current()
    assert header is not None, "a span is opened within its work"
    return tracing.ids(header)


@contextlib.contextmanager
def export_spans(process: str, endpoint: str, ratio: float) -> Iterator[None]:
    """Export the spans of this process for the length of a block; sample ``ratio`` of the traces that begin here."""
    with record_spans(process, OTLPSpanExporter(endpoint, timeout=_REQUEST_TIMEOUT_S), ratio):
        yield


@contextlib.contextmanager
def record_spans(process: str, exporter: SpanExporter, ratio: float) -> Iterator[None]:
    """Send the spans of a block to ``exporter`` in batches, the last ones within a second after it."""
    provider = TracerProvider(
        sampler=ALWAYS_ON,  # a span is opened only in a sampled trace
        resource=Resource.create({"service.name": process, "service.namespace": "kierto"}),
        id_generator=_IdsOfWork(),
        shutdown_on_exit=False,  # it would wait for an unavailable collector
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    SpanRecording.tracer = provider.get_tracer("kierto")
    tracing.sample_new_traces(ratio)
    try:
        yield
    finally:
        SpanRecording.tracer = None
        tracing.sample_new_traces(0)
        flush = threading.Thread(target=provider.shutdown, daemon=True)
        flush.start()
        flush.join(_FLUSH_TIMEOUT_S)
