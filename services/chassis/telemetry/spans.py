"""OpenTelemetry spans of the present work. None is opened until the process exports them (``otlp``).

A span has the ids of the work's ``traceparent`` (``tracing``), so that logs, calls, events and spans agree. Work whose
``traceparent`` is not sampled has no span. Attributes are operation names, codes and counts; an exception is recorded
by its class, for its text may quote personal data.
"""

import contextlib
from collections.abc import Iterable, Iterator

from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.util.types import Attributes

from services.chassis.telemetry import tracing

SpanBlock = contextlib.AbstractContextManager[Span | None]
"""Context manager that ends a span; None without one."""

NO_SPAN: SpanBlock = contextlib.nullcontext()


class SpanRecording:
    """State of the process's spans."""

    tracer: Tracer | None = None
    """None while spans are off."""


def work_span(name: str, kind: SpanKind, parent: str | None, attributes: Attributes) -> SpanBlock:
    """Open the span of the present work, which was begun as a child of ``parent``."""
    tracer = SpanRecording.tracer
    if tracer is None or not tracing.is_sampled(tracing.current()):
        return NO_SPAN
    return _until_exit(tracer.start_span(name, _context_of(parent), kind, attributes))


def part_span(name: str, kind: SpanKind, attributes: Attributes) -> SpanBlock:
    """Run a block as a child of the present work, or as a new trace outside of one, with a span of its own."""
    if SpanRecording.tracer is None:
        return NO_SPAN
    parent = tracing.current()
    if parent is not None and not tracing.is_sampled(parent):
        return NO_SPAN
    return _part_span(name, kind, parent, attributes)


@contextlib.contextmanager
def batch_spans(name: str, kind: SpanKind, parents: Iterable[str], attributes: Attributes) -> Iterator[None]:
    """Run a block as the work of several parents at once, with a span in the trace of each sampled one.

    Its calls and events belong to the first sampled parent, else to the first.
    """
    distinct = list(dict.fromkeys(parents))
    sampled = [] if SpanRecording.tracer is None else [parent for parent in distinct if tracing.is_sampled(parent)]
    first, *others = sampled or distinct[:1]
    with contextlib.ExitStack() as stack:
        for parent in others:
            with tracing.trace(parent):
                stack.enter_context(work_span(name, kind, parent, attributes))
        stack.enter_context(tracing.trace(first))
        stack.enter_context(work_span(name, kind, first, attributes))
        yield


def messaging_attributes(operation: str, topic: str, count: int | None = None) -> dict[str, str | int]:
    """Return the attributes of a Kafka operation (``send``, ``process``); ``count`` is that of a batch's events."""
    names: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }
    return names if count is None else {**names, "messaging.batch.message_count": count}


@contextlib.contextmanager
def trace_job(name: str, traceparent: str | None) -> Iterator[Span | None]:
    """Run a job as a child of the work that enqueued it; ``name`` is the kind of job."""
    attributes = {
        "messaging.system": "pgqueuer",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": name,
    }
    with tracing.trace(traceparent), work_span(f"process {name}", SpanKind.CONSUMER, traceparent, attributes) as span:
        yield span


def record_http_status(span: Span, status: int, *, failed_from: int) -> None:
    """Record the status of a response; the span failed if it is at least ``failed_from``."""
    span.set_attribute("http.response.status_code", status)
    if status >= failed_from:
        record_failure(span, str(status))


def record_failure(span: Span, error_type: str) -> None:
    """Mark a span as failed with a low-cardinality code."""
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR))


@contextlib.contextmanager
def _part_span(name: str, kind: SpanKind, parent: str | None, attributes: Attributes) -> Iterator[Span | None]:
    with tracing.trace(parent), work_span(name, kind, parent, attributes) as span:
        yield span


@contextlib.contextmanager
def _until_exit(span: Span) -> Iterator[Span]:
    try:
        yield span
    except BaseException as error:
        record_failure(span, type(error).__name__)
        raise
    finally:
        span.end()


def _context_of(parent: str | None) -> Context:
    """Return the context of a span's parent; an empty one for the first span of a trace."""
    if parent is None or not tracing.is_valid(parent):
        return Context()
    trace_id, span_id = tracing.ids(parent)
    flags = TraceFlags(TraceFlags.SAMPLED)
    return set_span_in_context(NonRecordingSpan(SpanContext(trace_id, span_id, True, flags)), Context())
