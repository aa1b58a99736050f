"""WebSockets whose peers may stop reading: uvicorn's protocol, bounded in memory and in time.

``send`` waits while the peer does not read, so whoever sends can tell. What uvicorn leaves open is how such a
connection ends: its close would wait for the peer, too. Here the close frame goes out behind what is unread already,
and the connection is gone ``LINGER_S`` later, read or not.

Pings, pongs and pieces of messages never reach the application, which could charge for them: they are counted here.
"""

import asyncio
import socket

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
LINGER_S = 5.0
MAX_CONTROL_FRAMES = 3_000
"""Pings, pongs and pieces of messages that a peer may send in ``FRAME_WINDOW_S`` seconds.

Each takes 10 to 20 µs. A peer that is alive pings every few seconds; the largest message comes in 1 kB pieces.
"""
FRAME_WINDOW_S = 60.0
_WRITE_BUFFER_BYTES = 64 * 1024
"""How much may lie unread in the process, and (the kernel takes twice that) in the kernel: else up to 4 MB a peer."""

_HANDSHAKE_REJECTED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    _frames = 0
    _frames_until = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WRITE_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.transport.is_closing():
            # Not even a request that could be refused (one with a body, say): uvicorn would wait for the rest of it.
            self.transport.write(_HANDSHAKE_REJECTED)
            self.transport.close()

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.close":
            self.writable.set()
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
        """The peer does not answer: it is gone, or it does not read. Either may come back, so it is told to."""
        self.pong_timer = self.pending_ping_payload = None
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
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> asyncio.TimerHandle:
        return self.loop.call_later(LINGER_S, self.transport.abort)
