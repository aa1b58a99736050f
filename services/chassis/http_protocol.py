"""HTTP connections whose clients write slowly, without end or what nobody wants, or stop reading: uvicorn's, bounded.

The parser takes a head of any size, however long it takes to come: whoever opens many connections and says little on
each would have them all. What is sent waits while the client does not read, so memory is bounded; but the end of such
a connection would wait for the client, too. And a body whose request was answered before it was whole would be read,
and thrown away, for as long as the client cares to send it.
"""

import asyncio
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 65_536
"""Bytes of a request line and its fields. A request with a larger head is answered 431 (RFC 6585, section 5)."""
HEAD_S = 10.0
"""Within so many seconds a head has to be complete, from the connection's beginning or its own."""
SLOWEST_S = 30.0
"""Seconds that a client may take to read 64 kB."""
LINGER_S = 2.0
"""Seconds that a client has to end the body of a request that was answered already (RFC 9112, section 9.6)."""
_LOOK_S = 1.0
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 24\r\nconnection: close\r\n\r\n"
    b"The head is too large.\r\n"
)


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    _unread: asyncio.TimerHandle | None = None
    _unwanted: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._head_bytes = 0
        self._head_since = self.loop.time()
        super().connection_made(transport)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._head_bytes = 0
        elif before is None or (before.response_complete and not before.more_body):
            self._count_head(len(data))

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

    def on_message_complete(self) -> None:
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

    def is_late(self, now: float) -> bool:
        """Whether the head that is awaited should be there by now (the loop's time)."""
        resting = self.cycle is not None and not self._head_bytes
        busy = self.cycle is not None and not self.cycle.response_complete
        return not (resting or busy) and now - self._head_since > HEAD_S

    def _count_head(self, size: int) -> None:
        if self._head_bytes == 0 and self.cycle is not None:
            self._head_since = self.loop.time()
        self._head_bytes += size
        if self._head_bytes > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()


async def close_late(connections: Iterable[object]) -> None:
    """Close connections whose heads don't come, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_LOOK_S)
        now = loop.time()
        for one in list(connections):
            if isinstance(one, HttpProtocol) and one.is_late(now):
                one.transport.abort()
