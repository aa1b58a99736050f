"""HTTP connections whose clients stop reading, or go on sending what nobody wants: uvicorn's protocol, bounded in time.

What is sent waits while the client does not read, so memory is bounded already. What uvicorn leaves open is how such
a connection ends: its close would wait for the client, too. And a body whose request was answered before it was whole
would be read, and thrown away, for as long as the client cares to send it.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SLOWEST_S = 30.0
"""Seconds that a client may take to read 64 kB."""
LINGER_S = 2.0
"""Seconds that a client has to end the body of a request that was answered already (RFC 9112, section 9.6)."""


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    _unread: asyncio.TimerHandle | None = None
    _unwanted: asyncio.TimerHandle | None = None

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
            self._unwanted.cancel()
            self._unwanted = None
            # uvicorn forgot it when more of the body came.
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
