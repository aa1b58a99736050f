"""Answers that are read as they come, never whole in memory."""

import asyncio
from typing import Protocol

from services.chassis.http.client.errors import ConnectionLost, TransportError
from services.chassis.http.client.response import ResponseHead, ResponsePart

CHUNK_BYTES = 65_536
"""Bytes of a piece at most."""
MAX_BUFFERED_BYTES = 4 * CHUNK_BYTES
"""Bytes that came and were not read yet: from here on the server waits. What came at the same time comes on top."""


class DownloadSource(Protocol):
    """The connection that it comes from."""

    def on_read(self, download: "Download") -> None:
        """Some of it was read."""
        ...

    def detach(self, download: "Download") -> None:
        """No more of it will be read."""
        ...


class Download:
    """An answer that has begun: its head is there, and ``async for`` reads its body, piece by piece.

    A body that does not come to its end raises the NoAnswer that says why, behind what came of it. ``close`` may be
    called at any time; a connection whose answer came whole is used again, any other is closed with it.

    ``begun``: its head, or why there is none. ``over``: it needs its connection no more.
    """

    def __init__(self, source: DownloadSource) -> None:
        loop = asyncio.get_running_loop()
        self.head_received: asyncio.Future[ResponseHead] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._source: DownloadSource | None = source
        self._buffer = bytearray()
        self._failed: TransportError | None = None
        self._data_received: asyncio.Future[None] | None = None

    @property
    def head(self) -> ResponseHead:
        """Its status and its fields."""
        return self.head_received.result()

    @property
    def is_full(self) -> bool:
        """Whether so much lies unread that no more should come."""
        return len(self._buffer) >= MAX_BUFFERED_BYTES

    @property
    def can_resume(self) -> bool:
        """Whether more may come again: not at the first byte that was read, so that reading goes on in long strides."""
        return len(self._buffer) <= MAX_BUFFERED_BYTES // 2

    def __aiter__(self) -> "Download":
        return self

    async def __anext__(self) -> bytes:
        while not self._buffer:
            if self._failed is not None:
                raise self._failed
            if self._source is None:
                raise StopAsyncIteration
            self._data_received = self._loop.create_future()
            await self._data_received
        piece = bytes(self._buffer[:CHUNK_BYTES])
        del self._buffer[:CHUNK_BYTES]
        if self._source is not None:
            self._source.on_read(self)
        return piece

    def close(self) -> None:
        """Read no further."""
        source = self._source
        self._buffer.clear()
        self._end(ConnectionLost("closed by its reader", sent=True))
        if source is not None:
            source.detach(self)

    # What its connection calls:

    def take(self, part: ResponsePart) -> None:
        """More of it has come."""
        if part.head is not None and not self.head_received.done():
            self.head_received.set_result(part.head)
        self._buffer += part.body
        if part.last:
            self._end(None)
        elif part.body:
            self._wake()

    def fail(self, reason: TransportError) -> None:
        """No more of it will come."""
        if not self.head_received.done():
            self.head_received.set_exception(reason)
        self._end(reason)

    def _end(self, failed: TransportError | None) -> None:
        if self._source is None:
            return
        self._source, self._failed = None, failed
        self.ended.set_result(None)
        self._wake()

    def _wake(self) -> None:
        if self._data_received is not None and not self._data_received.done():
            self._data_received.set_result(None)
