"""Streamed responses, which are never whole in memory."""

import asyncio
from typing import Protocol

from services.chassis.http.client.errors import ConnectionLost, TransportError
from services.chassis.http.client.response import ResponseHead, ResponsePart

CHUNK_BYTES = 65_536
"""Bytes of a chunk at most."""
MAX_BUFFERED_BYTES = 4 * CHUNK_BYTES
"""Unread bytes at which the connection stops reading; the last packet may exceed it."""


class DownloadSource(Protocol):
    """The connection of a download."""

    def on_read(self, download: "Download") -> None:
        """Note that a chunk was read."""
        ...

    def detach(self, download: "Download") -> None:
        """Note that no more will be read."""
        ...


class Download:
    """A response whose body ``async for`` reads chunk by chunk.

    An incomplete body raises its TransportError after the received chunks. ``close`` may be called at any time; the
    connection is reused after a complete response, and closed otherwise.
    """

    def __init__(self, source: DownloadSource) -> None:
        loop = asyncio.get_running_loop()
        self.head_received: asyncio.Future[ResponseHead] = loop.create_future()
        """The head, or the error instead of it."""
        self.ended: asyncio.Future[None] = loop.create_future()
        """Done when the download needs its connection no more."""
        self._loop = loop
        self._source: DownloadSource | None = source
        self._buffer = bytearray()
        self._failed: TransportError | None = None
        self._data_received: asyncio.Future[None] | None = None

    @property
    def head(self) -> ResponseHead:
        """The received head."""
        return self.head_received.result()

    @property
    def is_full(self) -> bool:
        """Whether the connection should stop reading."""
        return len(self._buffer) >= MAX_BUFFERED_BYTES

    @property
    def can_resume(self) -> bool:
        """Whether the connection should read again: at half of the buffer, so that it does not alternate often."""
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
        chunk = bytes(self._buffer[:CHUNK_BYTES])
        del self._buffer[:CHUNK_BYTES]
        if self._source is not None:
            self._source.on_read(self)
        return chunk

    def close(self) -> None:
        """Stop reading."""
        source = self._source
        self._buffer.clear()
        self._end(ConnectionLost("closed by its reader", sent=True))
        if source is not None:
            source.detach(self)

    # Callbacks of the connection:

    def take(self, part: ResponsePart) -> None:
        """Add a received part."""
        if part.head is not None and not self.head_received.done():
            self.head_received.set_result(part.head)
        self._buffer += part.body
        if part.last:
            self._end(None)
        elif part.body:
            self._wake()

    def fail(self, reason: TransportError) -> None:
        """End the download with an error."""
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
