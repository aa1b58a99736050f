"""Spans of requests and of GraphQL operations, by OpenTelemetry's conventions for HTTP and for GraphQL servers."""

from opentelemetry.trace import Span, SpanKind

from gateway.admission import PreparedOperation
from services.chassis.telemetry import spans
from services.chassis.telemetry.spans import SpanBlock, SpanRecording

_METHODS = {"GET", "HEAD", "POST", "OPTIONS"}
_MAX_NAME_LENGTH = 100
"""Characters of a recorded operation name."""


def request_span(method: str, parent: str) -> SpanBlock:
    """Open the span of a request for ``/graphql``, the present work."""
    if SpanRecording.tracer is None:
        return spans.NO_SPAN
    method = method if method in _METHODS else "_OTHER"
    attributes = {"http.request.method": method, "http.route": "/graphql", "url.path": "/graphql", "url.scheme": "http"}
    return spans.work_span(f"{method} /graphql", SpanKind.SERVER, parent, attributes)


def operation_span(prepared: PreparedOperation) -> SpanBlock:
    """Run the execution of an operation as a part of the present request, with a span of its own."""
    if SpanRecording.tracer is None:
        return spans.NO_SPAN
    kind = prepared.operation_type.value
    return spans.part_span(kind, SpanKind.INTERNAL, _operation_attributes(prepared, kind))


def socket_operation_span(prepared: PreparedOperation) -> SpanBlock:
    """Open the span of an operation on a socket, the present work and the first of its trace."""
    if SpanRecording.tracer is None:
        return spans.NO_SPAN
    kind = prepared.operation_type.value
    return spans.work_span(kind, SpanKind.SERVER, None, _operation_attributes(prepared, kind))


def record_response(span: Span | None, status: int) -> None:
    """Record the status of a response to a request."""
    if span is not None:
        spans.record_http_status(span, status, failed_from=500)


def record_errors(span: Span | None, count: int) -> None:
    """Record the number of errors in an operation's result."""
    if span is not None and count:
        span.set_attribute("kierto.graphql.errors", count)


def _operation_attributes(prepared: PreparedOperation, kind: str) -> dict[str, str]:
    """Return the operation's type and its name, which the document has; never its text or its variables."""
    node = prepared.document_operation.operation.node
    name = {"graphql.operation.name": node.name.value[:_MAX_NAME_LENGTH]} if node.name else {}
    return {"graphql.operation.type": kind, **name}
