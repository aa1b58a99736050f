"""One connection to a server: a request at a time, and between two of them idle."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import cast

from services.chassis.http_client.answer import Answer, AnswerReader, Part
from services.chassis.http_client.download import Download
from services.chassis.http_client.errors import Lost, Malformed, NoAnswer, TimedOut
from services.chassis.turn import turn_of


class Connection(asyncio.Protocol):
    """A place among the open connections of an origin, from its making until ``over`` is called, once.

    ``free`` is called when an answer is complete and another request may go out. ``made``: whoever connects it has
    done so; ``closed``: no request may go out any more. A connection that is idle for ``idle_s`` closes itself;
    ``largest`` is the size of an answer at most.
    """

    def __init__(
        self,
        idle_s: float,
        largest: int,
        free: Callable[["Connection"], None],
        over: Callable[["Connection"], None],
    ) -> None:
        self.made = False
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._turn = turn_of(self._loop)
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader(largest)
        self._idle_s = idle_s
        self._free = free
        self._over = over
        self._is_over = False
        self._answering: asyncio.Future[Answer] | None = None
        self._download: Download | None = None
        self._pause_s = inf
        self._writing = False
        self._paused: asyncio.Future[None] | None = None
        self._until = inf
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf

    def send(self, request: bytes, until: float) -> asyncio.Future[Answer]:
        """Send a whole request; its answer, which fails with a NoAnswer, by ``until`` (the loop's time) at the latest.

        Whoever stops waiting for it calls ``give_up``.
        """
        assert self._transport is not None and self._answering is None
        self._answering = answering = self._loop.create_future()
        self._turn.write(self._transport, request)
        self._wait_until(until)
        return answering

    def send_begun(self, head: bytes, until: float) -> asyncio.Future[Answer]:
        """Send the beginning of a request; ``write`` goes on with it."""
        answering = self.send(head, until)
        self._turn.end()
        self._writing = True
        return answering

    def send_for_pieces(self, request: bytes, until: float, pause_s: float) -> Download:
        """Send a whole request; its answer, which begins by ``until`` or fails, and then goes on every ``pause_s``."""
        assert self._transport is not None and self._answering is None and self._download is None
        self._download = download = Download(self)
        self._pause_s = pause_s
        self._transport.write(request)
        self._wait_until(until)
        return download

    async def write(self, data: bytes, until: float, *, last: bool) -> None:
        """Go on with a request and wait while the server reads slowly. The answer's time is now ``until``."""
        assert self._transport is not None
        self._transport.write(data)
        self._writing = not last
        self._wait_until(until)
        if self._paused is not None:
            await self._paused

    def give_up(self, answering: asyncio.Future[Answer]) -> None:
        """Nobody waits for this answer any more: if it is still under way, the connection can't be used again."""
        if self._answering is answering:
            self._answering = None
            self.close()

    def was_read(self, download: Download) -> None:
        """Some of what came was taken, so that there may be room for more."""
        if self._download is download and self._transport is not None:
            self._wait_until(self._loop.time() + self._pause_s)
            if download.has_room and not self._transport.is_reading():
                self._transport.resume_reading()

    def leave(self, download: Download) -> None:
        """Nobody reads this any more: if it is still under way, the connection can't be used again."""
        if self._download is download:
            self._download = None
            self.close()

    def close(self) -> None:
        """Close it now; an answer that is under way is Lost."""
        self._fail(Lost("closed", sent=True))

    # What the loop calls:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self.closed:  # given up while it was being connected
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._answering is None:
            if self._download is not None:
                self._part_received(self._download, data)
            else:
                self.close()  # nothing was asked: whatever this is, it answers no later request
            return
        try:
            answer = self._reader.feed(data)
        except Malformed as malformed:
            self._fail(malformed)
            return
        if answer is not None:
            self._answer(answer)

    def eof_received(self) -> None:
        self.closed = True
        asked = self._answering is not None or self._download is not None
        answer = self._reader.end() if asked else None
        if answer is None:
            self._fail(Lost("the server closed the connection", sent=True))
        elif self._download is not None:
            self._take(self._download, Part(answer, answer.body, last=True))
        else:
            self._answer(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(Lost(f"the connection was lost: {exc!r}", sent=True))
        self._end()

    def pause_writing(self) -> None:
        self._paused = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._paused is not None and not self._paused.done():
            self._paused.set_result(None)
        self._paused = None

    def _part_received(self, download: Download, data: bytes) -> None:
        try:
            part = self._reader.feed_part(data)
        except Malformed as malformed:
            self._fail(malformed)
        else:
            self._take(download, part)

    def _take(self, download: Download, part: Part) -> None:
        assert self._transport is not None
        download.take(part)
        if part.last:
            self._download = None
            self._rest()
            return
        if part.head is not None:
            self._wait_until(self._loop.time() + self._pause_s)
        if download.is_full and self._transport.is_reading():
            self._transport.pause_reading()

    def _answer(self, answer: Answer) -> None:
        assert self._answering is not None
        answering, self._answering = self._answering, None
        if not answering.done():
            answering.set_result(answer)
        self._rest()

    def _rest(self) -> None:
        """The answer is complete: another request may go out, if this connection is good for one."""
        assert self._transport is not None
        # An answer may come before the server has read all that was asked: the rest would stand before the next one.
        if self.closed or self._writing or not self._reader.keep_alive or self._transport.get_write_buffer_size():
            self.close()
            return
        self._wait_until(self._loop.time() + self._idle_s)
        self._free(self)

    def _fail(self, reason: NoAnswer) -> None:
        self.closed = True
        answering, self._answering = self._answering, None
        if answering is not None and not answering.done():
            answering.set_exception(reason)
        download, self._download = self._download, None
        if download is not None:
            download.fail(reason)
        if self._transport is not None:
            self._transport.abort()
        if not self.made:
            self._end()  # uvloop does not say of a connection given up while it is made that it is lost

    def _wait_until(self, until: float) -> None:
        """Have something happen by ``until``. A timer that rings earlier looks again: most are never set anew."""
        self._until = until
        if until < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_at = until
            self._alarm = self._loop.call_at(until, self._ring)

    def _ring(self) -> None:
        self._alarm, self._alarm_at = None, inf
        if self._loop.time() < self._until:
            self._wait_until(self._until)
        elif self._answering is None and self._download is None:
            self.close()
        else:
            self._fail(TimedOut("no complete answer in time", sent=True))

    def _end(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._alarm is not None:
            self._alarm.cancel()
        self.resume_writing()
        self._over(self)
