"""HTTP connections whose clients write slowly, without end or what nobody wants, or stop reading: uvicorn's, bounded.

The parser takes a head of any size, however long it takes to come: whoever opens many connections and says little on
each would have them all. What is sent waits while the client does not read, so memory is bounded; but the end of such
a connection would wait for the client, too. And a body whose request was answered before it was whole would be read,
and thrown away, for as long as the client cares to send it.

What is posted to an endpoint (``services.chassis.direct``) is answered here, without ASGI, if it came whole and alone.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from services.chassis.direct import Answer, Endpoint, Request, first_values
from services.chassis.hosts import Hosts, WrongHost
from services.chassis.turn import turn_of

LARGEST_HEAD = 65_536
"""Bytes of a request line and its fields. A request with a larger head is answered 431 (RFC 6585, section 5)."""
HEAD_S = 10.0
"""Within so many seconds a head has to be complete, from the connection's beginning or its own."""
SLOWEST_S = 30.0
"""Seconds that a client may take to read 64 kB."""
LINGER_S = 2.0
"""Seconds that a client has to end the body of a request that was answered already (RFC 9112, section 9.6)."""
_LOOK_S = 1.0
_LINE_END, _END = b"\r\n", b"\r\n\r\n"
"""Of a head."""
_FRAMED_OTHERWISE = {b"transfer-encoding", b"upgrade"}
_AROUND = len(b": \r\n")
"""Bytes of a field's line beside its name and value."""
_line_of = b"%b: %b\r\n".__mod__
"""The line of a field: called once for each of every answer."""
_TOO_LARGE = 431, "The head is too large.\r\n"
_NOT_OURS = 400, "This server does not answer for that host.\r\n"


class _RefusedHead(Exception):
    """Breaks off the parser: what is wrong with a head is not its syntax."""


class _Post(NamedTuple):
    """A request that an endpoint is to answer."""

    endpoint: Endpoint
    request: Request
    length: int


class HttpProtocol(HttpToolsProtocol):
    """One connection. ``endpoints`` by their targets; ``hosts`` are those that are answered for, if any are named."""

    endpoints: Mapping[bytes, Endpoint] = {}
    hosts: Hosts | None = None
    _refusal: tuple[int, str] | None = None
    _unread: asyncio.TimerHandle | None = None
    _unwanted: asyncio.TimerHandle | None = None

    @classmethod
    def serving(cls, endpoints: Mapping[bytes, Endpoint], hosts: Hosts | None) -> type[Self]:
        """Return the same for a server of these endpoints that answers for these hosts."""
        return type(cls.__name__, (cls,), {"endpoints": endpoints, "hosts": hosts})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._head_bytes = 0
        self._head_since: float | None = self.loop.time()
        self._in_head = True
        self._between = True
        self._alone = b""
        self._post: _Post | None = None
        self._sent: bytes | None = None
        self._answering: asyncio.Task[None] | None = None
        self._ahead = b""
        self._rests_since: float | None = None
        self._ends = False
        self._turn = turn_of(self.loop)
        super().connection_made(transport)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        self._turn.end()  # what comes of these bytes may be written at once, and an answer before it not yet
        if self._answering is not None:
            self._ahead += data
            self.flow.pause_reading()
            return
        self._rests_since = None
        before, in_head = self.cycle, self._in_head
        self._alone = data if self._is_at_rest() and not data.startswith(_LINE_END) else b""
        super().data_received(data)
        self._alone = b""
        if self._post is not None:
            self._begin_answer(self._post)
        elif self.cycle is not before:
            self._head_bytes, self._head_since = 0, None
        elif in_head:
            self._count_head(len(data))

    def eof_received(self) -> None:
        self._turn.end()
        super().eof_received()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(SLOWEST_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body and not self.transport.is_closing():
            self._unwanted = self.loop.call_later(LINGER_S, self.transport.close)

    def on_message_begin(self) -> None:
        self._between = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.url) + sum(len(name) + len(value) + _AROUND for name, value in self.headers) > LARGEST_HEAD:
            self._break_off(_TOO_LARGE)
        if self.hosts is not None:
            try:
                self.url = self.hosts.judge(self.url, self.headers)
            except WrongHost:
                self._break_off(_NOT_OURS)
        if self._alone:
            self._post = self._direct_post()
            self._alone = b""
        if self._post is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._post is None:
            super().on_body(body)
        else:
            self._sent = body

    def send_400_response(self, msg: str) -> None:
        """Answer what can't be parsed, or was not to be, and close the connection."""
        self._refuse(*(self._refusal or (400, msg)))

    def on_message_complete(self) -> None:
        self._in_head = self._between = True
        if self._post is not None:
            return
        super().on_message_complete()
        if self._unwanted is not None:
            # The body that nobody wanted has ended: the next head may come, and uvicorn forgot how long it may take.
            self._unwanted.cancel()
            self._unwanted = None
            self.cycle.more_body = False
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def timeout_keep_alive_handler(self) -> None:
        """Nothing was asked for a while: whoever has not read their answer by now will not."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._unread, self._unwanted):
            if timer is not None:
                timer.cancel()

    def shutdown(self) -> None:
        """Take nothing new."""
        self._turn.end()
        if self._answering is None:
            super().shutdown()
        else:
            self._ends = True

    def is_late(self, now: float) -> bool:
        """Whether what is awaited should be there by now (the loop's time): a head, or what follows one handed over."""
        if self._rests_since is not None:
            return now - self._rests_since > self.timeout_keep_alive
        busy = self._answering is not None or (self.cycle is not None and not self.cycle.response_complete)
        return not busy and self._head_since is not None and now - self._head_since > HEAD_S

    def _is_at_rest(self) -> bool:
        """Whether all requests so far were read to their end and answered, and the next answer could be written."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        answered = cycle is None or (cycle.response_complete and not cycle.more_body)
        return self._between and answered and not self.flow.write_paused

    def _direct_post(self) -> _Post | None:
        """Return the request whose head is complete, if it is for an endpoint and all that has come at once."""
        endpoint = self.endpoints.get(self.url)
        if endpoint is None or self.parser.get_method() != b"POST" or self.expect_100_continue:
            return None
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive():
            return None
        fields = first_values(self.headers)
        length = fields.get(b"content-length", b"")
        if not length.isdigit() or not _FRAMED_OTHERWISE.isdisjoint(fields):
            return None
        if self._alone.find(_END) + len(_END) + int(length) != len(self._alone):
            return None
        return _Post(endpoint, Request("POST", b"", self.headers, fields, self.client), int(length))

    def _begin_answer(self, post: _Post) -> None:
        sent, self._post, self._sent = self._sent or b"", None, None
        if not self._between or len(sent) != post.length:
            # The parser has found another end of this request than we: nothing that follows can be trusted.
            self.transport.abort()
            return
        self._head_bytes, self._head_since = 0, None
        self._answering = self.loop.create_task(self._answer(post, sent))

    async def _answer(self, post: _Post, body: bytes) -> None:
        try:
            answer = await post.endpoint.answer(post.request, body)
        except BaseException:
            self.transport.abort()
            raise
        self._answering = None
        if self.transport.is_closing():
            return
        written = _written(answer, self.server_state.default_headers, last=self._ends)
        if self._ends:
            self.transport.write(written)
            self.transport.close()
            return
        self._turn.write(self.transport, written)
        self._rests_since = self.loop.time()
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            self.flow.resume_reading()
            self.data_received(ahead)

    def _count_head(self, size: int) -> None:
        if self._head_since is None:
            self._head_since = self.loop.time()
        self._head_bytes += size
        if self._head_bytes > LARGEST_HEAD and not self.transport.is_closing():
            self._refuse(*_TOO_LARGE)

    def _break_off(self, refusal: tuple[int, str]) -> None:
        """Have the parser stop: it says so to uvicorn, which has the request refused."""
        self._refusal = refusal
        raise _RefusedHead

    def _refuse(self, status: int, text: str) -> None:
        fields = [(b"content-type", b"text/plain; charset=utf-8")]
        written = _written(Answer(status, fields, text.encode()), self.server_state.default_headers, last=True)
        self.transport.write(written)
        self.transport.close()


def _written(answer: Answer, always: Sequence[tuple[bytes, bytes]], *, last: bool) -> bytes:
    """The bytes of an answer; ``always`` are the fields of every one (its Date; RFC 9110, section 6.6.1)."""
    status, fields, body = answer
    ends = b"connection: close\r\n" if last else b""
    framed = b"%bcontent-length: %d\r\n\r\n" % (ends, len(body))
    return b"".join((STATUS_LINE[status], *map(_line_of, always), *map(_line_of, fields), framed, body))


async def close_late(connections: Iterable[object]) -> None:
    """Close connections whose heads don't come, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_LOOK_S)
        now = loop.time()
        for one in list(connections):
            if isinstance(one, HttpProtocol) and one.is_late(now):
                one.transport.abort()
