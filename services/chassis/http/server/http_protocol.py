"""HTTP connections whose clients write slowly, without end or what nobody wants, or stop reading: uvicorn's, bounded.

The parser takes a head of any size, however long it takes to come: whoever opens many connections and says little on
each would have them all. What is sent waits while the client does not read, so memory is bounded; but the end of such
a connection would wait for the client, too. And a body whose request was answered before it was whole would be read,
and thrown away, for as long as the client cares to send it.

What is posted to an endpoint (``http.server.endpoint``) is answered here, without ASGI, if it came whole and alone.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from services.chassis.http.server.allowed_hosts import AllowedHosts, HostNotAllowed
from services.chassis.http.server.endpoint import Endpoint, EndpointRequest, EndpointResponse, first_values
from services.chassis.http.write_coalescer import write_coalescer_of

MAX_HEAD_BYTES = 65_536
"""Bytes of a request line and its fields. A request with a larger head is answered 431 (RFC 6585, section 5)."""
HEAD_TIMEOUT_S = 10.0
"""Within so many seconds a head has to be complete, from the connection's beginning or its own."""
SLOW_READER_TIMEOUT_S = 30.0
"""Seconds that a client may take to read 64 kB."""
LINGER_S = 2.0
"""Seconds that a client has to end the body of a request that was answered already (RFC 9112, section 9.6)."""
_CHECK_INTERVAL_S = 1.0
_LINE_END, _HEAD_END = b"\r\n", b"\r\n\r\n"
"""Of a head."""
_OTHER_FRAMING = {b"transfer-encoding", b"upgrade"}
_FIELD_OVERHEAD = len(b": \r\n")
"""Bytes of a field's line beside its name and value."""
_field_line = b"%b: %b\r\n".__mod__
"""The line of a field: called once for each of every answer."""
_TOO_LARGE = 431, "The head is too large.\r\n"
_HOST_NOT_ALLOWED = 400, "This server does not answer for that host.\r\n"


class _HeadRejected(Exception):
    """Breaks off the parser: what is wrong with a head is not its syntax."""


class _EndpointPost(NamedTuple):
    """A request that an endpoint is to answer."""

    endpoint: Endpoint
    request: EndpointRequest
    length: int


class HttpProtocol(HttpToolsProtocol):
    """One connection. ``endpoints`` by their targets; ``hosts`` are those that are answered for, if any are named."""

    endpoints: Mapping[bytes, Endpoint] = {}
    hosts: AllowedHosts | None = None
    _rejection: tuple[int, str] | None = None
    _slow_reader_timer: asyncio.TimerHandle | None = None
    _linger_timer: asyncio.TimerHandle | None = None

    @classmethod
    def configured(cls, endpoints: Mapping[bytes, Endpoint], hosts: AllowedHosts | None) -> type[Self]:
        """Return the same for a server of these endpoints that answers for these hosts."""
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
        self._writes.flush()  # what comes of these bytes may be written at once, and an answer before it not yet
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
        if self.cycle.response_complete and self.cycle.more_body and not self.transport.is_closing():
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
        """Answer what can't be parsed, or was not to be, and close the connection."""
        self._respond_and_close(*(self._rejection or (400, msg)))

    def on_message_complete(self) -> None:
        self._in_head = self._between_requests = True
        if self._endpoint_post is not None:
            return
        super().on_message_complete()
        if self._linger_timer is not None:
            # The body that nobody wanted has ended: the next head may come, and uvicorn forgot how long it may take.
            self._linger_timer.cancel()
            self._linger_timer = None
            self.cycle.more_body = False
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def timeout_keep_alive_handler(self) -> None:
        """Nothing was asked for a while: whoever has not read their answer by now will not."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._slow_reader_timer, self._linger_timer):
            if timer is not None:
                timer.cancel()

    def shutdown(self) -> None:
        """Take nothing new."""
        self._writes.flush()
        if self._answer_task is None:
            super().shutdown()
        else:
            self._closes_after_response = True

    def is_late(self, now: float) -> bool:
        """Whether what is awaited should be there by now (the loop's time): a head, or what follows one handed over."""
        if self._idle_since is not None:
            return now - self._idle_since > self.timeout_keep_alive
        busy = self._answer_task is not None or (self.cycle is not None and not self.cycle.response_complete)
        return not busy and self._head_since is not None and now - self._head_since > HEAD_TIMEOUT_S

    def _is_idle(self) -> bool:
        """Whether all requests so far were read to their end and answered, and the next answer could be written."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        answered = cycle is None or (cycle.response_complete and not cycle.more_body)
        return self._between_requests and answered and not self.flow.write_paused

    def _match_endpoint(self) -> _EndpointPost | None:
        """Return the request whose head is complete, if it is for an endpoint and all that has come at once."""
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
        sent, self._endpoint_post, self._post_body = self._post_body or b"", None, None
        if not self._between_requests or len(sent) != post.length:
            # The parser has found another end of this request than we: nothing that follows can be trusted.
            self.transport.abort()
            return
        self._head_bytes, self._head_since = 0, None
        self._answer_task = self.loop.create_task(self._run_endpoint(post, sent))

    async def _run_endpoint(self, post: _EndpointPost, body: bytes) -> None:
        try:
            answer = await post.endpoint.answer(post.request, body)
        except BaseException:
            self.transport.abort()
            raise
        self._answer_task = None
        if self.transport.is_closing():
            return
        written = _encode_response(answer, self.server_state.default_headers, last=self._closes_after_response)
        if self._closes_after_response:
            self.transport.write(written)
            self.transport.close()
            return
        self._writes.write(self.transport, written)
        self._idle_since = self.loop.time()
        if self._pipelined:
            ahead, self._pipelined = self._pipelined, b""
            self.flow.resume_reading()
            self.data_received(ahead)

    def _count_head(self, size: int) -> None:
        if self._head_since is None:
            self._head_since = self.loop.time()
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._respond_and_close(*_TOO_LARGE)

    def _reject_head(self, refusal: tuple[int, str]) -> None:
        """Have the parser stop: it says so to uvicorn, which has the request refused."""
        self._rejection = refusal
        raise _HeadRejected

    def _respond_and_close(self, status: int, text: str) -> None:
        fields = [(b"content-type", b"text/plain; charset=utf-8")]
        written = _encode_response(
            EndpointResponse(status, fields, text.encode()), self.server_state.default_headers, last=True
        )
        self.transport.write(written)
        self.transport.close()


def _encode_response(answer: EndpointResponse, always: Sequence[tuple[bytes, bytes]], *, last: bool) -> bytes:
    """The bytes of an answer; ``always`` are the fields of every one (its Date; RFC 9110, section 6.6.1)."""
    status, fields, body = answer
    ends = b"connection: close\r\n" if last else b""
    framed = b"%bcontent-length: %d\r\n\r\n" % (ends, len(body))
    return b"".join((STATUS_LINE[status], *map(_field_line, always), *map(_field_line, fields), framed, body))


async def close_late_connections(connections: Iterable[object]) -> None:
    """Close connections whose heads don't come, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_CHECK_INTERVAL_S)
        now = loop.time()
        for one in list(connections):
            if isinstance(one, HttpProtocol) and one.is_late(now):
                one.transport.abort()
