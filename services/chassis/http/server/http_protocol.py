"""HTTP/1.1 protocol: uvicorn's, with limits for slow clients, and with endpoints that bypass ASGI.

uvicorn accepts a head of any size for any time, so a client could hold many connections with few bytes. It bounds the
memory of responses that a client does not read, but closes such a connection only after the client has read them. And
it reads and discards a body whose request was answered early for as long as the client sends it.

A POST to an endpoint (``http.server.endpoint``) is answered here without ASGI if it arrives complete in one packet.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self

from services.chassis.http.server.allowed_hosts import AllowedHosts, HostNotAllowed
from services.chassis.http.server.compat import STATUS_LINE, UvicornHttpProtocol
from services.chassis.http.server.endpoint import Endpoint, EndpointRequest, EndpointResponse, first_values
from services.chassis.http.write_coalescer import write_coalescer_of

MAX_HEAD_BYTES = 65_536
"""Bytes of a request line and its fields. A request with a larger head is answered 431 (RFC 6585, section 5)."""
HEAD_TIMEOUT_S = 10.0
"""Seconds until a head must be complete, from the connection's beginning or its own first byte."""
SLOW_READER_TIMEOUT_S = 30.0
"""Seconds in which a client must read 64 kB."""
LINGER_S = 2.0
"""Seconds that a client has to finish the body of a request that was answered early (RFC 9112, section 9.6)."""
_CHECK_INTERVAL_S = 1.0
_LINE_END, _HEAD_END = b"\r\n", b"\r\n\r\n"
_OTHER_FRAMING = {b"transfer-encoding", b"upgrade"}
_FIELD_OVERHEAD = len(b": \r\n")
"""Bytes of a field line beside its name and value."""
_field_line = b"%b: %b\r\n".__mod__
"""Formatter of a field line; a bound method, since it is called for each field of every response."""
_TOO_LARGE = 431, "The head is too large.\r\n"
_HOST_NOT_ALLOWED = 400, "This server does not answer for that host.\r\n"


class _HeadRejected(Exception):
    """Stops the parser at a head that is rejected for another reason than its syntax."""


class _EndpointPost(NamedTuple):
    """A request for an endpoint, with the length of its body."""

    endpoint: Endpoint
    request: EndpointRequest
    length: int


class HttpProtocol(UvicornHttpProtocol):
    """A connection with limits."""

    endpoints: Mapping[bytes, Endpoint] = {}
    """Endpoints by their request targets."""
    hosts: AllowedHosts | None = None
    """Hosts that the server answers for; None accepts any Host field."""
    _rejection: tuple[int, str] | None = None
    _slow_reader_timer: asyncio.TimerHandle | None = None
    _linger_timer: asyncio.TimerHandle | None = None

    @classmethod
    def configured(cls, endpoints: Mapping[bytes, Endpoint], hosts: AllowedHosts | None) -> type[Self]:
        """Return a subclass with these endpoints and hosts."""
        return type(cls.__name__, (cls,), {"endpoints": endpoints, "hosts": hosts})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._head_bytes = 0
        self._head_since: float | None = self.loop.time()
        self._in_head = True
        self._between_requests = True
        self._single_packet = b""
        self._endpoint_post: _EndpointPost | None = None
        self._post_body: bytes | None = None
        self._answer_task: asyncio.Task[None] | None = None
        self._pipelined = b""
        self._idle_since: float | None = None
        self._closes_after_response = False
        self._writes = write_coalescer_of(self.loop)
        super().connection_made(transport)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        self._writes.flush()  # uvicorn may write at once, but an earlier response must go out before
        if self._answer_task is not None:
            self._pipelined += data
            self.flow.pause_reading()
            return
        self._idle_since = None
        before, in_head = self.cycle, self._in_head
        self._single_packet = data if self._is_idle() and not data.startswith(_LINE_END) else b""
        super().data_received(data)
        self._single_packet = b""
        if self._endpoint_post is not None:
            self._start_endpoint(self._endpoint_post)
        elif self.cycle is not before:
            self._head_bytes, self._head_since = 0, None
        elif in_head:
            self._count_head(len(data))

    def eof_received(self) -> None:
        self._writes.flush()
        super().eof_received()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._slow_reader_timer = self.loop.call_later(SLOW_READER_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._slow_reader_timer is not None:
            self._slow_reader_timer.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.is_responding and self.has_unread_body and not self.transport.is_closing():
            self._linger_timer = self.loop.call_later(LINGER_S, self.transport.close)

    def on_message_begin(self) -> None:
        self._between_requests = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if (
            len(self.url) + sum(len(name) + len(value) + _FIELD_OVERHEAD for name, value in self.headers)
            > MAX_HEAD_BYTES
        ):
            self._reject_head(_TOO_LARGE)
        if self.hosts is not None:
            try:
                self.url = self.hosts.check(self.url, self.headers)
            except HostNotAllowed:
                self._reject_head(_HOST_NOT_ALLOWED)
        if self._single_packet:
            self._endpoint_post = self._match_endpoint()
            self._single_packet = b""
        if self._endpoint_post is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._endpoint_post is None:
            super().on_body(body)
        else:
            self._post_body = body

    def send_400_response(self, msg: str) -> None:
        """Reject a malformed or rejected head, and close the connection."""
        self._respond_and_close(*(self._rejection or (400, msg)))

    def on_message_complete(self) -> None:
        self._in_head = self._between_requests = True
        if self._endpoint_post is not None:
            return
        super().on_message_complete()
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None
            self.finish_unread_body()

    def timeout_keep_alive_handler(self) -> None:
        """Abort an idle connection: a close would wait for a client that has not read its response."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._slow_reader_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()

    def shutdown(self) -> None:
        """Close the connection after the present response."""
        self._writes.flush()
        if self._answer_task is None:
            super().shutdown()
        else:
            self._closes_after_response = True

    def is_late(self, now: float) -> bool:
        """Return whether a head is overdue at ``now`` (the loop's time), or the next request after an endpoint's."""
        if self._idle_since is not None:
            return now - self._idle_since > self.timeout_keep_alive
        busy = self._answer_task is not None or self.is_responding
        return not busy and self._head_since is not None and now - self._head_since > HEAD_TIMEOUT_S

    def _is_idle(self) -> bool:
        """Return whether all requests were read and answered, and the next response could be written."""
        return (
            self._between_requests
            and not self.is_responding
            and not self.has_unread_body
            and not self.flow.write_paused
        )

    def _match_endpoint(self) -> _EndpointPost | None:
        """Return the request whose head is complete, if it is for an endpoint and is the whole packet."""
        endpoint = self.endpoints.get(self.url)
        if endpoint is None or self.parser.get_method() != b"POST" or self.expect_100_continue:
            return None
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive():
            return None
        fields = first_values(self.headers)
        length = fields.get(b"content-length", b"")
        if not length.isdigit() or not _OTHER_FRAMING.isdisjoint(fields):
            return None
        if self._single_packet.find(_HEAD_END) + len(_HEAD_END) + int(length) != len(self._single_packet):
            return None
        return _EndpointPost(endpoint, EndpointRequest("POST", b"", self.headers, fields, self.client), int(length))

    def _start_endpoint(self, post: _EndpointPost) -> None:
        body, self._endpoint_post, self._post_body = self._post_body or b"", None, None
        if not self._between_requests or len(body) != post.length:
            # The parser's framing differs from Content-Length: this may be request smuggling.
            self.transport.abort()
            return
        self._head_bytes, self._head_since = 0, None
        self._answer_task = self.loop.create_task(self._run_endpoint(post, body))

    async def _run_endpoint(self, post: _EndpointPost, body: bytes) -> None:
        try:
            response = await post.endpoint.answer(post.request, body)
        except BaseException:
            self.transport.abort()
            raise
        self._answer_task = None
        if self.transport.is_closing():
            return
        data = _encode_response(response, self.server_state.default_headers, last=self._closes_after_response)
        if self._closes_after_response:
            self.transport.write(data)
            self.transport.close()
            return
        self._writes.write(self.transport, data)
        self._idle_since = self.loop.time()
        if self._pipelined:
            pipelined, self._pipelined = self._pipelined, b""
            self.flow.resume_reading()
            self.data_received(pipelined)

    def _count_head(self, size: int) -> None:
        if self._head_since is None:
            self._head_since = self.loop.time()
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._respond_and_close(*_TOO_LARGE)

    def _reject_head(self, rejection: tuple[int, str]) -> None:
        """Stop the parser, so that uvicorn calls ``send_400_response``."""
        self._rejection = rejection
        raise _HeadRejected

    def _respond_and_close(self, status: int, text: str) -> None:
        fields = [(b"content-type", b"text/plain; charset=utf-8")]
        response = EndpointResponse(status, fields, text.encode())
        self.transport.write(_encode_response(response, self.server_state.default_headers, last=True))
        self.transport.close()


def _encode_response(response: EndpointResponse, defaults: Sequence[tuple[bytes, bytes]], *, last: bool) -> bytes:
    """Return a response's bytes; ``defaults`` are the fields of every response (Date: RFC 9110, section 6.6.1)."""
    status, fields, body = response
    close = b"connection: close\r\n" if last else b""
    framing = b"%bcontent-length: %d\r\n\r\n" % (close, len(body))
    return b"".join((STATUS_LINE[status], *map(_field_line, defaults), *map(_field_line, fields), framing, body))


async def close_late_connections(connections: Iterable[object]) -> None:
    """Abort connections whose heads are overdue, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_CHECK_INTERVAL_S)
        now = loop.time()
        for connection in list(connections):
            if isinstance(connection, HttpProtocol) and connection.is_late(now):
                connection.transport.abort()
