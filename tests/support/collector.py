"""A collector of OpenTelemetry spans by OTLP over HTTP, in a thread of the test."""

import contextlib
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class CollectedSpan(msgspec.Struct, frozen=True):
    """A span as it arrived. Its ids are hex digits; the parent's is empty for the first span of a trace."""

    process: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str | int]


class Collector:
    """The spans that arrived at ``url``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[CollectedSpan] = []
        self.bodies: list[bytes] = []

    def receive(self, body: bytes) -> None:
        """Keep the spans of a request."""
        self.bodies.append(body)
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            process = str(_values(resource_spans.resource.attributes)["service.name"])
            for scope_spans in resource_spans.scope_spans:
                self.spans.extend(_collected(process, span) for span in scope_spans.spans)

    async def trace(self, trace_id: str) -> list[CollectedSpan]:
        """Return the spans of a trace so far."""
        return [span for span in self.spans if span.trace_id == trace_id]


@contextlib.contextmanager
def running_collector() -> Iterator[Collector]:
    """Run a collector for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.receive(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}/v1/traces")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def _collected(process: str, span: Span) -> CollectedSpan:
    kind = Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
    return CollectedSpan(
        process,
        span.name,
        kind,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        _values(span.attributes),
    )


def _values(attributes: Iterable[KeyValue]) -> dict[str, str | int]:
    return {
        one.key: one.value.int_value if one.value.HasField("int_value") else one.value.string_value
        for one in attributes
    }
