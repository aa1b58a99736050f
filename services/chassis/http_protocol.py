"""HTTP connections whose clients may write slowly, or without end: uvicorn's protocol, its heads bounded.

The parser takes a head of any size, however long it takes to come: whoever opens many connections and says little on
each would have them all.
"""

import asyncio
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 65_536
"""Bytes of a request line and its fields. A request with a larger head is answered 431 (RFC 6585, section 5)."""
HEAD_S = 10.0
"""Within so many seconds a head has to be complete, from the connection's beginning or its own."""
_LOOK_S = 1.0
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 24\r\nconnection: close\r\n\r\n"
    b"The head is too large.\r\n"
)


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._head_bytes = 0
        self._head_since = self.loop.time()
        super().connection_made(transport)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._head_bytes = 0
        elif before is None or before.response_complete:
            self._count_head(len(data))

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
