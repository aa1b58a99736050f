"""A proxy of file uploads to a service and of downloads from it, streamed and never whole in memory.

Each route has its TransferLimits. Only the header fields that are named here are forwarded, none of a connection (RFC
9110, section 7.6.1). A body that is incomplete on one side is aborted on the other.
"""

import contextlib
from collections.abc import Mapping

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.errors import RequestError
from gateway.http.body import BodyTimeout, TooLarge, stream_body
from services.chassis.http.client import request as http
from services.chassis.http.client.download import Download
from services.chassis.http.client.errors import MalformedResponse, RequestTimeout, TransportError
from services.chassis.http.client.response import ResponseHead
from services.chassis.rpc.channel import CallFailed, ServiceChannel, decode_failure
from services.chassis.telemetry import tracing
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

_FORWARDED_REQUEST_FIELDS = ("if-none-match", "if-modified-since")
_FORWARDED_RESPONSE_FIELDS = {
    b"cache-control",
    b"content-disposition",
    b"content-language",
    b"content-length",
    b"content-type",
    b"etag",
    b"last-modified",
    b"vary",
}
_UNENCODED = "Content-Encoding: identity"
_MAX_FAILURE_BODY = 64_000
"""Bytes that are read of a service's error."""
_SANDBOX = {"Content-Security-Policy": "default-src 'none'; sandbox"}
"""Keeps a browser that renders a file from running scripts in the gateway's origin."""


class TransferLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of the files of a route."""

    media_types: tuple[str, ...]
    max_bytes: int
    idle_timeout_s: float = 60
    """Seconds without a piece from either side. An upload's service has twice as long to take a piece and to answer, so
    that a client that stalls times out first."""


async def upload(
    request: Request, service: ServiceChannel, path: str, headers: Mapping[str, str], limits: TransferLimits
) -> Response:
    """Stream a request's body to a service and return its response.

    ``headers`` are the caller's. Raises RequestError if the limits forbid the upload, and CallFailed if the service
    refuses it. After 400, 408 and 413 of an upload under way the service has an incomplete body.
    """
    content_type = request.headers.get("content-type", "")
    _check_upload(request, content_type, limits)
    body = stream_body(request.receive, limits.max_bytes, limits.idle_timeout_s)
    fields = http.field_lines({**headers, "Content-Type": content_type})
    try:
        reply = await service.upload(path, body, fields, pause_s=2 * limits.idle_timeout_s)
    except BodyTimeout:
        raise RequestError(408, "BROKEN_OFF", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise RequestError(400, "BROKEN_OFF") from None
    except TransportError as reason:
        raise _unavailable(reason) from None
    if reply.status >= 400:
        raise decode_failure(service.name, reply.status, reply.body)
    response = Response(reply.body, reply.status)
    length = response.headers["Content-Length"]
    response.raw_headers = _response_fields(reply)
    response.headers["Content-Length"] = length
    return response


async def download(
    request: Request, service: ServiceChannel, path: str, headers: Mapping[str, str], limits: TransferLimits
) -> Response:
    """Stream a service's response.

    The service evaluates If-None-Match and If-Modified-Since. HEAD is a GET that is closed after its head. Range is not
    forwarded (RFC 9110, section 14.2: it may be ignored). Raises RequestError if the service is unavailable or the
    limits forbid the response, and CallFailed if the service has no file.
    """
    forwarded = {name: request.headers[name] for name in _FORWARDED_REQUEST_FIELDS if name in request.headers}
    try:
        source = await service.download(path, http.field_lines({**headers, **forwarded}), pause_s=limits.idle_timeout_s)
    except TransportError as reason:
        raise _unavailable(reason) from None
    if source.head.status >= 400:
        raise await _read_failure(service, source)
    problem = _download_problem(source.head, limits)
    if problem:
        source.close()
        _log.error("download rejected", service=service.name, reason=problem)
        raise RequestError(502, "UNAVAILABLE")
    if request.method == "HEAD":
        source.close()
        response = Response(status_code=source.head.status)
        response.raw_headers = _response_fields(source.head)
        return response
    return _StreamedDownload(source, limits.max_bytes)


class _StreamedDownload(StreamingResponse):
    """A response that streams a download."""

    def __init__(self, source: Download, max_bytes: int) -> None:
        super().__init__(source, source.head.status)
        self.raw_headers = _response_fields(source.head)
        self._download = source
        self._max_bytes = max_bytes
        self._trace = tracing.traceparent()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.closing(self._download), tracing.trace(self._trace):
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        left = self._max_bytes
        try:
            async for piece in self._download:
                left -= len(piece)
                if left < 0:
                    raise MalformedResponse("larger than may pass")
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TransportError as reason:
            # Without the last message the server closes the connection, and the client sees an incomplete body.
            _log.warning("download aborted", reason=str(reason))
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _check_upload(request: Request, content_type: str, limits: TransferLimits) -> None:
    """Reject an upload by its head (RFC 9110, sections 15.5.14 and 15.5.16)."""
    if _media_type(content_type) not in limits.media_types:
        types = ", ".join(limits.media_types)
        raise RequestError(415, "UNSUPPORTED_MEDIA_TYPE", {"Accept": types}, expected=types)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(415, "UNSUPPORTED_MEDIA_TYPE", {"Accept-Encoding": "identity"}, expected=_UNENCODED)
    if int(request.headers.get("content-length", 0)) > limits.max_bytes:
        raise TooLarge(limits.max_bytes)


def _unavailable(reason: TransportError) -> RequestError:
    if isinstance(reason, RequestTimeout):
        return RequestError(504, "UNAVAILABLE")
    return RequestError(503, "UNAVAILABLE", {"Retry-After": "1"})


async def _read_failure(service: ServiceChannel, source: Download) -> CallFailed:
    """Read a service's error."""
    body = b""
    with contextlib.closing(source), contextlib.suppress(TransportError):
        async for piece in source:
            body += piece
            if len(body) > _MAX_FAILURE_BODY:
                break
    return decode_failure(service.name, source.head.status, body)


def _download_problem(head: ResponseHead, limits: TransferLimits) -> str:
    """Return a download's violation of the limits; empty if there is none."""
    if head.status == 304:
        return ""
    if head.status != 200:
        return f"its status is {head.status}"
    content_type = (head.header(b"content-type") or b"").decode("latin-1")
    if _media_type(content_type) not in limits.media_types:
        return f"its type is {content_type}"
    length = int(head.header(b"content-length") or 0)
    return f"it has {length} bytes" if length > limits.max_bytes else ""


def _response_fields(head: ResponseHead) -> list[tuple[bytes, bytes]]:
    """Return the header fields to forward, and those that make a file safe in a browser."""
    headers = MutableHeaders(
        raw=[(name.lower(), value) for name, value in head.headers if name.lower() in _FORWARDED_RESPONSE_FIELDS]
    )
    if head.status in (204, 304):
        del headers["Content-Length"]  # of content that is not sent
    if head.status == 200:
        headers.setdefault("Cache-Control", "private, no-cache")
        if not headers.get("Content-Disposition", "").startswith("attachment"):
            headers["Content-Disposition"] = "attachment"
    headers.update(_SANDBOX)
    return headers.raw


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
