"""Answers that are read as they come, never whole in memory."""

import asyncio
from typing import Protocol

from services.chassis.http_client.answer import Head, Part
from services.chassis.http_client.errors import Lost, NoAnswer

PIECE = 65_536
"""Bytes of a piece at most."""
MOST_HELD = 4 * PIECE
"""Bytes that came and were not read yet: from here on the server waits. What came at the same time comes on top."""


class Source(Protocol):
    """The connection that it comes from."""

    def was_read(self, download: "Download") -> None:
        """Some of it was read."""
        ...

    def leave(self, download: "Download") -> None:
        """No more of it will be read."""
        ...


class Download:
    """An answer that has begun: its head is there, and ``async for`` reads its body, piece by piece.

    A body that does not come to its end raises the NoAnswer that says why, behind what came of it. ``close`` may be
    called at any time; a connection whose answer came whole is used again, any other is closed with it.

    ``begun``: its head, or why there is none. ``over``: it needs its connection no more.
    """

    def __init__(self, source: Source) -> None:
        loop = asyncio.get_running_loop()
        self.begun: asyncio.Future[Head] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._source: Source | None = source
        self._held = bytearray()
        self._failed: NoAnswer | None = None
        self._coming: asyncio.Future[None] | None = None

    @property
    def head(self) -> Head:
        """Its status and its fields."""
        return self.begun.result()

    @property
    def is_full(self) -> bool:
        """Whether so much lies unread that no more should come."""
        return len(self._held) >= MOST_HELD

    @property
    def has_room(self) -> bool:
        """Whether more may come again: not at the first byte that was read, so that reading goes on in long strides."""
        return len(self._held) <= MOST_HELD // 2

    def __aiter__(self) -> "Download":
        return self

    async def __anext__(self) -> bytes:
        while not self._held:
            if self._failed is not None:
                raise self._failed
            if self._source is None:
                raise StopAsyncIteration
            self._coming = self._loop.create_future()
            await self._coming
        piece = bytes(self._held[:PIECE])
        del self._held[:PIECE]
        if self._source is not None:
            self._source.was_read(self)
        return piece

    def close(self) -> None:
        """Read no further."""
        source = self._source
        self._held.clear()
        self._end(Lost("closed by its reader", sent=True))
        if source is not None:
            source.leave(self)

    # What its connection calls:

    def take(self, part: Part) -> None:
        """More of it has come."""
        if part.head is not None and not self.begun.done():
            self.begun.set_result(part.head)
        self._held += part.body
        if part.last:
            self._end(None)
        elif part.body:
            self._wake()

    def fail(self, reason: NoAnswer) -> None:
        """No more of it will come."""
        if not self.begun.done():
            self.begun.set_exception(reason)
        self._end(reason)

    def _end(self, failed: NoAnswer | None) -> None:
        if self._source is None:
            return
        self._source, self._failed = None, failed
        self.over.set_result(None)
        self._wake()

    def _wake(self) -> None:
        if self._coming is not None and not self._coming.done():
            self._coming.set_result(None)
