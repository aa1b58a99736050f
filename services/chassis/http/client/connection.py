"""Connection to a server: one request at a time, idle between requests."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import cast

from services.chassis.http.client.download import Download
from services.chassis.http.client.errors import ConnectionLost, MalformedResponse, RequestTimeout, TransportError
from services.chassis.http.client.response import ClientResponse, ResponsePart, ResponseReader
from services.chassis.http.write_coalescer import write_coalescer_of


class HttpConnection(asyncio.Protocol):
    """A connection of a pool, from its creation until ``on_closed`` is called, once.

    ``on_free`` is called when a response is complete and another request can be sent. A connection that is idle for
    ``idle_s`` closes itself; ``largest`` is the maximum size of a response.
    """

    def __init__(
        self,
        idle_s: float,
        largest: int,
        on_free: Callable[["HttpConnection"], None],
        on_closed: Callable[["HttpConnection"], None],
    ) -> None:
        self.established = False
        """Whether the pool has connected it."""
        self.closed = False
        """Whether no request can be sent any more."""
        self._loop = asyncio.get_running_loop()
        self._writes = write_coalescer_of(self._loop)
        self._transport: asyncio.Transport | None = None
        self._reader = ResponseReader(largest)
        self._idle_s = idle_s
        self._on_free = on_free
        self._on_closed = on_closed
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
        """Send a whole request and return its response, or a TransportError by ``until`` (the loop's time).

        A caller that no longer awaits the response calls ``abandon``.
        """
        assert self._transport is not None and self._response is None
        self._response = response = self._loop.create_future()
        self._writes.write(self._transport, request)
        self._wait_until(until)
        return response

    def send_head(self, head: bytes, until: float) -> asyncio.Future[ClientResponse]:
        """Send the head of a request, whose body follows by ``write``."""
        response = self.send(head, until)
        self._writes.flush()
        self._writing = True
        return response

    def send_for_download(self, request: bytes, until: float, stall_timeout_s: float) -> Download:
        """Send a whole request and return its response, which fails if it begins after ``until`` or stalls."""
        assert self._transport is not None and self._response is None and self._download is None
        self._download = download = Download(self)
        self._stall_timeout_s = stall_timeout_s
        self._transport.write(request)
        self._wait_until(until)
        return download

    async def write(self, data: bytes, until: float, *, last: bool) -> None:
        """Send a part of the body and wait while the server reads slowly; the response is now due by ``until``."""
        assert self._transport is not None
        self._transport.write(data)
        self._writing = not last
        self._wait_until(until)
        if self._write_resumed is not None:
            await self._write_resumed

    def abandon(self, response: asyncio.Future[ClientResponse]) -> None:
        """Stop awaiting a response; close the connection if the response is still pending."""
        if self._response is response:
            self._response = None
            self.close()

    def on_read(self, download: Download) -> None:
        """Resume reading if the download's reader has made room in its buffer."""
        if self._download is download and self._transport is not None:
            self._wait_until(self._loop.time() + self._stall_timeout_s)
            if download.can_resume and not self._transport.is_reading():
                self._transport.resume_reading()

    def detach(self, download: Download) -> None:
        """Stop a download; close the connection if the download is still pending."""
        if self._download is download:
            self._download = None
            self.close()

    def close(self) -> None:
        """Close the connection now; a pending response fails with ConnectionLost."""
        self._fail(ConnectionLost("closed", sent=True))

    # Callbacks of the event loop:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self.closed:  # abandoned while it was being connected
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._response is None:
            if self._download is not None:
                self._part_received(self._download, data)
            else:
                self.close()  # unsolicited bytes must not become the response to a later request
            return
        try:
            response = self._reader.feed(data)
        except MalformedResponse as malformed:
            self._fail(malformed)
            return
        if response is not None:
            self._complete(response)

    def eof_received(self) -> None:
        self.closed = True
        busy = self._response is not None or self._download is not None
        response = self._reader.end() if busy else None
        if response is None:
            self._fail(ConnectionLost("the server closed the connection", sent=True))
        elif self._download is not None:
            self._deliver(self._download, ResponsePart(response, response.body, last=True))
        else:
            self._complete(response)

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

    def _complete(self, response: ClientResponse) -> None:
        assert self._response is not None
        pending, self._response = self._response, None
        if not pending.done():
            pending.set_result(response)
        self._become_idle()

    def _become_idle(self) -> None:
        """Make the connection available for the next request, or close it if it can't be reused."""
        assert self._transport is not None
        # A response may precede the end of its request: the unsent rest would corrupt the next request.
        if self.closed or self._writing or not self._reader.keep_alive or self._transport.get_write_buffer_size():
            self.close()
            return
        self._wait_until(self._loop.time() + self._idle_s)
        self._on_free(self)

    def _fail(self, reason: TransportError) -> None:
        self.closed = True
        response, self._response = self._response, None
        if response is not None and not response.done():
            response.set_exception(reason)
        download, self._download = self._download, None
        if download is not None:
            download.fail(reason)
        if self._transport is not None:
            self._transport.abort()
        if not self.established:
            self._end()  # uvloop calls no connection_lost for a connection that is abandoned while connecting

    def _wait_until(self, until: float) -> None:
        """Set the timeout to ``until``. A timer that fires earlier is set again, so most timeouts set no timer."""
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
