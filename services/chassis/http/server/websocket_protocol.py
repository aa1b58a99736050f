"""WebSocket protocol: uvicorn's, with bounds in memory and time for peers that stop reading.

``send`` waits while the peer does not read, so the sender notices. uvicorn's close would wait for the peer, too. Here
the close frame is written behind the unread bytes, and the connection is aborted ``LINGER_S`` later, read or not.

Control frames and message fragments never reach the application, which could charge for them: they are limited here.
"""

import asyncio
import socket

from websockets.frames import Frame

from services.chassis.http.server.compat import ASGISendEvent, UvicornWebSocketProtocol

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
LINGER_S = 5.0
MAX_CONTROL_FRAMES = 3_000
"""Pings, pongs and continuation frames that a peer may send in ``FRAME_WINDOW_S`` seconds.

Each takes 10 to 20 µs. A live peer pings every few seconds; the largest message consists of 1 kB fragments.
"""
FRAME_WINDOW_S = 60.0
_WRITE_BUFFER_BYTES = 64 * 1024
"""Unread bytes at most in the process, and twice as many in the kernel, whose own limit would be 4 MB a peer."""

_HANDSHAKE_REJECTED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class WebSocketProtocol(UvicornWebSocketProtocol):
    """A WebSocket connection with bounds."""

    _frames = 0
    _frames_until = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WRITE_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.handshake_failed and not self.transport.is_closing():
            # No request that uvicorn could reject (one with a body, for instance): it would wait for more bytes.
            self.transport.write(_HANDSHAKE_REJECTED)
            self.transport.close()

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.close":
            self.writable.set()  # a close does not wait for the peer to read
        await super().send(message)
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self._abort_later()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._abort_later()

    def handle_ping(self) -> None:
        super().handle_ping()
        self._count_frame()

    def handle_pong(self, event: Frame) -> None:
        super().handle_pong(event)
        self._count_frame()

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        self._count_frame()

    def keepalive_timeout(self) -> None:
        """Close with 1013 if the peer sends no pong: it is gone or does not read, and may reconnect."""
        self.forget_ping()
        self._hang_up(TRY_AGAIN_LATER, "no pong")

    def _count_frame(self) -> None:
        now = self.loop.time()
        if now >= self._frames_until:
            self._frames, self._frames_until = 0, now + FRAME_WINDOW_S
        self._frames += 1
        if self._frames > MAX_CONTROL_FRAMES:
            self._hang_up(POLICY_VIOLATION, "too many frames")

    def _hang_up(self, code: int, reason: str) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        self.write_close(code, reason)
        self._abort_later()

    def _abort_later(self) -> asyncio.TimerHandle:
        return self.loop.call_later(LINGER_S, self.transport.abort)
