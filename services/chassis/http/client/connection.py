"""One connection to a server: a request at a time, and between two of them idle."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import cast

from services.chassis.http.client.download import Download
from services.chassis.http.client.errors import ConnectionLost, MalformedResponse, RequestTimeout, TransportError
from services.chassis.http.client.response import ClientResponse, ResponsePart, ResponseReader
from services.chassis.http.write_coalescer import write_coalescer_of


class HttpConnection(asyncio.Protocol):
    """A place among the open connections of an origin, from its making until ``over`` is called, once.

    ``free`` is called when an answer is complete and another request may go out. ``made``: whoever connects it has
    done so; ``closed``: no request may go out any more. A connection that is idle for ``idle_s`` closes itself;
    ``largest`` is the size of an answer at most.
    """

    def __init__(
        self,
        idle_s: float,
        largest: int,
        free: Callable[["HttpConnection"], None],
        over: Callable[["HttpConnection"], None],
    ) -> None:
        self.established = False
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._writes = write_coalescer_of(self._loop)
        self._transport: asyncio.Transport | None = None
        self._reader = ResponseReader(largest)
        self._idle_s = idle_s
        self._on_free = free
        self._on_closed = over
        self._is_ended = False
        self._response: asyncio.Future[ClientResponse] | None = None
        self._download: Download | None = None
        self._stall_timeout_s = inf
        self._writing = False
        self._write_resumed: asyncio.Future[None] | None = None
        self._timeout_at = inf
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = inf

    def send(self, request: bytes, until: float) -> asyncio.Future[ClientResponse]:
        """Send a whole request; its answer, which fails with a NoAnswer, by ``until`` (the loop's time) at the latest.

        Whoever stops waiting for it calls ``give_up``.
        """
        assert self._transport is not None and self._response is None
        self._response = answering = self._loop.create_future()
        self._writes.write(self._transport, request)
        self._wait_until(until)
        return answering

    def send_head(self, head: bytes, until: float) -> asyncio.Future[ClientResponse]:
        """Send the beginning of a request; ``write`` goes on with it."""
        answering = self.send(head, until)
        self._writes.flush()
        self._writing = True
        return answering

    def send_for_download(self, request: bytes, until: float, pause_s: float) -> Download:
        """Send a whole request; its answer, which begins by ``until`` or fails, and then goes on every ``pause_s``."""
        assert self._transport is not None and self._response is None and self._download is None
        self._download = download = Download(self)
        self._stall_timeout_s = pause_s
        self._transport.write(request)
        self._wait_until(until)
        return download

    async def write(self, data: bytes, until: float, *, last: bool) -> None:
        """Go on with a request and wait while the server reads slowly. The answer's time is now ``until``."""
        assert self._transport is not None
        self._transport.write(data)
        self._writing = not last
        self._wait_until(until)
        if self._write_resumed is not None:
            await self._write_resumed

    def abandon(self, answering: asyncio.Future[ClientResponse]) -> None:
        """Nobody waits for this answer any more: if it is still under way, the connection can't be used again."""
        if self._response is answering:
            self._response = None
            self.close()

    def on_read(self, download: Download) -> None:
        """Some of what came was taken, so that there may be room for more."""
        if self._download is download and self._transport is not None:
            self._wait_until(self._loop.time() + self._stall_timeout_s)
            if download.can_resume and not self._transport.is_reading():
                self._transport.resume_reading()

    def detach(self, download: Download) -> None:
        """Nobody reads this any more: if it is still under way, the connection can't be used again."""
        if self._download is download:
            self._download = None
            self.close()

    def close(self) -> None:
        """Close it now; an answer that is under way is Lost."""
        self._fail(ConnectionLost("closed", sent=True))

    # What the loop calls:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self.closed:  # given up while it was being connected
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._response is None:
            if self._download is not None:
                self._part_received(self._download, data)
            else:
                self.close()  # nothing was asked: whatever this is, it answers no later request
            return
        try:
            answer = self._reader.feed(data)
        except MalformedResponse as malformed:
            self._fail(malformed)
            return
        if answer is not None:
            self._complete(answer)

    def eof_received(self) -> None:
        self.closed = True
        asked = self._response is not None or self._download is not None
        answer = self._reader.end() if asked else None
        if answer is None:
            self._fail(ConnectionLost("the server closed the connection", sent=True))
        elif self._download is not None:
            self._deliver(self._download, ResponsePart(answer, answer.body, last=True))
        else:
            self._complete(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(ConnectionLost(f"the connection was lost: {exc!r}", sent=True))
        self._end()

    def pause_writing(self) -> None:
        self._write_resumed = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._write_resumed is not None and not self._write_resumed.done():
            self._write_resumed.set_result(None)
        self._write_resumed = None

    def _part_received(self, download: Download, data: bytes) -> None:
        try:
            part = self._reader.feed_part(data)
        except MalformedResponse as malformed:
            self._fail(malformed)
        else:
            self._deliver(download, part)

    def _deliver(self, download: Download, part: ResponsePart) -> None:
        assert self._transport is not None
        download.take(part)
        if part.last:
            self._download = None
            self._become_idle()
            return
        if part.head is not None:
            self._wait_until(self._loop.time() + self._stall_timeout_s)
        if download.is_full and self._transport.is_reading():
            self._transport.pause_reading()

    def _complete(self, answer: ClientResponse) -> None:
        assert self._response is not None
        answering, self._response = self._response, None
        if not answering.done():
            answering.set_result(answer)
        self._become_idle()

    def _become_idle(self) -> None:
        """The answer is complete: another request may go out, if this connection is good for one."""
        assert self._transport is not None
        # An answer may come before the server has read all that was asked: the rest would stand before the next one.
        if self.closed or self._writing or not self._reader.keep_alive or self._transport.get_write_buffer_size():
            self.close()
            return
        self._wait_until(self._loop.time() + self._idle_s)
        self._on_free(self)

    def _fail(self, reason: TransportError) -> None:
        self.closed = True
        answering, self._response = self._response, None
        if answering is not None and not answering.done():
            answering.set_exception(reason)
        download, self._download = self._download, None
        if download is not None:
            download.fail(reason)
        if self._transport is not None:
            self._transport.abort()
        if not self.established:
            self._end()  # uvloop does not say of a connection given up while it is made that it is lost

    def _wait_until(self, until: float) -> None:
        """Have something happen by ``until``. A timer that rings earlier looks again: most are never set anew."""
        self._timeout_at = until
        if until < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = until
            self._timer = self._loop.call_at(until, self._on_timer)

    def _on_timer(self) -> None:
        self._timer, self._timer_at = None, inf
        if self._loop.time() < self._timeout_at:
            self._wait_until(self._timeout_at)
        elif self._response is None and self._download is None:
            self.close()
        else:
            self._fail(RequestTimeout("no complete answer in time", sent=True))

    def _end(self) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        if self._timer is not None:
            self._timer.cancel()
        self.resume_writing()
        self._on_closed(self)
