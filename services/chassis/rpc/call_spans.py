"""Spans of calls, by OpenTelemetry's conventions for RPC: at the client and at the server."""

import functools
from collections.abc import Mapping

from opentelemetry.trace import Span, SpanKind

from services.chassis.rpc import batch_protocol
from services.chassis.telemetry import spans
from services.chassis.telemetry.spans import SpanBlock, SpanRecording

_UNSUCCESSFUL = 400
_SERVER_ERROR = 500


def client_span(service: str, path: str) -> SpanBlock:
    """Run a call of a service as a part of the present work, with a span of its own."""
    operation = batch_protocol.BATCH_OPERATION if path == batch_protocol.PATH else path.rpartition("/")[2]
    name, attributes = _name_and_attributes(service, operation)
    return spans.part_span(name, SpanKind.CLIENT, attributes)


def server_span(service: str, operation: str, kind: SpanKind, parent: str | None) -> SpanBlock:
    """Open the span of the present work, which performs an operation; ``service`` is empty outside of a contract."""
    if SpanRecording.tracer is None:
        return spans.NO_SPAN
    name, attributes = _name_and_attributes(service, operation)
    return spans.work_span(name, kind, parent, attributes)


def record_client_status(span: Span, status: int) -> None:
    """Record the status of a call at its client, which fails without a result."""
    spans.record_http_status(span, status, failed_from=_UNSUCCESSFUL)


def record_server_status(span: Span | None, status: int) -> None:
    """Record the status of a call at its server, where a caller's fault is no failure."""
    if span is not None:
        spans.record_http_status(span, status, failed_from=_SERVER_ERROR)


@functools.cache
def _name_and_attributes(service: str, operation: str) -> tuple[str, Mapping[str, str]]:
    if not service:
        return operation, {}
    method = f"{service}/{operation}"
    return method, {"rpc.system.name": "kierto", "rpc.method": method}
