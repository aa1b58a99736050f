"""Spans of this process, recorded in memory for the length of a block."""

import contextlib
from collections.abc import Iterator, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.chassis.telemetry import otlp


class RecordedSpans:
    """Spans of a block, once it has ended."""

    def __init__(self) -> None:
        self.spans: Sequence[ReadableSpan] = ()

    def __getitem__(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def path(self, span: ReadableSpan) -> list[str]:
        """Return the names of the spans from the first of the trace to this one."""
        by_id = {ids(span): span for span in self.spans}
        path = [span.name]
        while span.parent is not None:
            span = by_id[span.parent.trace_id, span.parent.span_id]
            path.insert(0, span.name)
        return path


@contextlib.contextmanager
def recorded_spans(ratio: float = 0) -> Iterator[RecordedSpans]:
    """Record spans; ``ratio`` of the traces that begin in the block are sampled."""
    exporter, recorded = InMemorySpanExporter(), RecordedSpans()
    with otlp.record_spans("orders-api", exporter, ratio):
        yield recorded
    recorded.spans = exporter.get_finished_spans()


def ids(span: ReadableSpan) -> tuple[int, int]:
    """Return the trace id and the span id."""
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


def parent_of(span: ReadableSpan) -> tuple[int, int]:
    """Return the trace id and the span id of the parent."""
    assert span.parent is not None
    return span.parent.trace_id, span.parent.span_id
