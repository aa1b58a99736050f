"""Files pass through the gateway as they come, never whole in memory: uploads to a service, downloads back from it.

What a route lets pass is said where it is made (Passable). Only fields that are named here pass; whatever is for one
connection alone does not (RFC 9110, section 7.6.1). A body that breaks off on one side breaks off on the other.
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
_MAX_FAILURE_BODY = 64_000
"""Bytes that are read of why there is no file."""
_SANDBOX = {"Content-Security-Policy": "default-src 'none'; sandbox"}
"""A browser that shows a file all the same runs nothing of it in the gateway's name."""


class TransferLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What may pass: files of these media types, of so many bytes at most.

    None of the two sides may stand still for longer than ``pause_s`` (seconds). While an upload waits for its service
    that is twice as long, so that it is clear which of them stood still; so is the time for its answer.
    """

    media_types: tuple[str, ...]
    max_bytes: int
    idle_timeout_s: float = 60


async def upload(
    request: Request, service: ServiceChannel, path: str, headers: Mapping[str, str], passable: TransferLimits
) -> Response:
    """The service's answer to the body of a request, which it gets as it comes.

    ``headers`` say for whom. Refused if it can't pass, CallFailed if the service does not take it. With 400, 408 and
    413 while it passed: the service was left in the middle of its body.
    """
    content_type = request.headers.get("content-type", "")
    _check_upload(request, content_type, passable)
    body = stream_body(request.receive, passable.max_bytes, passable.idle_timeout_s)
    fields = http.field_lines({**headers, "Content-Type": content_type})
    try:
        answer = await service.upload(path, body, fields, pause_s=2 * passable.idle_timeout_s)
    except BodyTimeout:
        raise RequestError(408, "BROKEN_OFF", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise RequestError(400, "BROKEN_OFF") from None
    except TransportError as reason:
        raise _unavailable(reason) from None
    if answer.status >= 400:
        raise decode_failure(service.name, answer.status, answer.body)
    response = Response(answer.body, answer.status)
    length = response.headers["Content-Length"]
    response.raw_headers = _response_fields(answer)
    response.headers["Content-Length"] = length
    return response


async def download(
    request: Request, service: ServiceChannel, path: str, headers: Mapping[str, str], passable: TransferLimits
) -> Response:
    """The service's answer, as it comes; Refused if there is none, or none that may pass, CallFailed if it has no file.

    Who asks with If-None-Match or If-Modified-Since is answered by the service. HEAD is a GET that is left after its
    head; Range is not passed on (RFC 9110, section 14.2: everyone may ignore it).
    """
    asked = {name: request.headers[name] for name in _FORWARDED_REQUEST_FIELDS if name in request.headers}
    try:
        begun = await service.download(path, http.field_lines({**headers, **asked}), pause_s=passable.idle_timeout_s)
    except TransportError as reason:
        raise _unavailable(reason) from None
    if begun.head.status >= 400:
        raise await _read_failure(service, begun)
    wrong = _download_problem(begun.head, passable)
    if wrong:
        begun.close()
        _log.error("download can't pass", service=service.name, path=path, reason=wrong)
        raise RequestError(502, "UNAVAILABLE")
    if request.method == "HEAD":
        begun.close()
        response = Response(status_code=begun.head.status)
        response.raw_headers = _response_fields(begun.head)
        return response
    return _StreamedDownload(begun, passable.max_bytes)


class _StreamedDownload(StreamingResponse):
    """A download on its way to the client."""

    def __init__(self, begun: Download, largest: int) -> None:
        super().__init__(begun, begun.head.status)
        self.raw_headers = _response_fields(begun.head)
        self._download = begun
        self._max_bytes = largest
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
            # Left without its end: the server closes the connection, and the client sees that this was not all.
            _log.warning("download broke off", reason=str(reason))
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _check_upload(request: Request, content_type: str, passable: TransferLimits) -> None:
    """Refuse an upload that is not even to be begun (RFC 9110, sections 15.5.14 and 15.5.16)."""
    if _media_type(content_type) not in passable.media_types:
        types = ", ".join(passable.media_types)
        raise RequestError(415, "UNSUPPORTED_MEDIA_TYPE", {"Accept": types}, expected=types)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(415, "UNSUPPORTED_MEDIA_TYPE", {"Accept-Encoding": "identity"}, expected="no content coding")
    if int(request.headers.get("content-length", 0)) > passable.max_bytes:
        raise TooLarge(passable.max_bytes)


def _unavailable(reason: TransportError) -> RequestError:
    if isinstance(reason, RequestTimeout):
        return RequestError(504, "UNAVAILABLE")
    return RequestError(503, "UNAVAILABLE", {"Retry-After": "1"})


async def _read_failure(service: ServiceChannel, begun: Download) -> CallFailed:
    """What the service says instead of a file."""
    said = b""
    with contextlib.closing(begun), contextlib.suppress(TransportError):
        async for piece in begun:
            said += piece
            if len(said) > _MAX_FAILURE_BODY:
                break
    return decode_failure(service.name, begun.head.status, said)


def _download_problem(head: ResponseHead, passable: TransferLimits) -> str:
    """What is wrong with a download that has begun."""
    if head.status == 304:
        return ""
    if head.status != 200:
        return f"its status is {head.status}"
    content_type = (head.header(b"content-type") or b"").decode("latin-1")
    if _media_type(content_type) not in passable.media_types:
        return f"its type is {content_type}"
    length = int(head.header(b"content-length") or 0)
    return f"it has {length} bytes" if length > passable.max_bytes else ""


def _response_fields(head: ResponseHead) -> list[tuple[bytes, bytes]]:
    """The fields of an answer that pass, and those that make it safe to show."""
    headers = MutableHeaders(
        raw=[(name.lower(), value) for name, value in head.headers if name.lower() in _FORWARDED_RESPONSE_FIELDS]
    )
    if head.status in (204, 304):
        del headers["Content-Length"]  # of what is not sent
    if head.status == 200:
        headers.setdefault("Cache-Control", "private, no-cache")
        if not headers.get("Content-Disposition", "").startswith("attachment"):
            headers["Content-Disposition"] = "attachment"
    headers.update(_SANDBOX)
    return headers.raw


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
