"""Internals of uvicorn that processes and protocols rely on, as seen in uvicorn 0.54.0.

uvicorn documents only ``Config`` and ``Server``, so any release may change the names below. Each line gives its reason;
``tests/unit/chassis/http/server/test_compat.py`` checks each and names the one that broke.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, cast

import httptools
import uvicorn
from uvicorn._types import ASGISendEvent  # 0.54.0: the type of the WebSocket protocol's `send`
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,  # 0.54.0: the status lines of 100 to 599, with their ends
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.server import ServerProtocol

__all__ = ["STATUS_LINE", "ASGISendEvent", "Server", "UvicornHttpProtocol", "UvicornWebSocketProtocol"]


class Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: a process stops several servers and its loops in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing; 0.54.0 installs its handlers here and raises the signal again afterwards."""
        yield

    @property
    def connections(self) -> set[Any]:
        """The open connections' protocols, which 0.54.0 keeps for its graceful shutdown."""
        return self.server_state.connections


class UvicornHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol on httptools, with the state that ``HttpProtocol`` reads."""

    loop: asyncio.AbstractEventLoop
    """0.54.0: the running loop, for timers and tasks."""
    transport: asyncio.Transport
    """0.54.0: the connection, for responses without ASGI and for aborts."""
    parser: httptools.HttpRequestParser
    """0.54.0: the parser of the present request, for its method, version and keep-alive."""
    url: bytes
    """0.54.0: the request target, complete in ``on_headers_complete``, which reads a replaced one."""
    headers: list[tuple[bytes, bytes]]
    """0.54.0: the present request's fields, names in lower case, the list of the ASGI scope itself."""
    expect_100_continue: bool
    """0.54.0: the present request waits for 100 Continue before it sends its body."""
    client: tuple[str, int] | None
    """0.54.0: the peer's address."""
    server_state: ServerState
    """0.54.0: its ``default_headers`` (with Date) belong to every response."""
    timeout_keep_alive: int
    """0.54.0: seconds that a connection may be idle."""
    timeout_keep_alive_task: asyncio.TimerHandle | None
    """0.54.0: the timer of an idle connection, started by ``on_response_complete`` and cancelled by the next bytes."""
    flow: FlowControl
    """0.54.0: whether the transport's write buffer is full, and the switch for reading."""
    cycle: RequestResponseCycle
    """0.54.0: the last request that went to ASGI, replaced in ``on_headers_complete``; None before the first."""

    @property
    def is_responding(self) -> bool:
        """Whether ASGI has a request without a complete response."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    @property
    def has_unread_body(self) -> bool:
        """Whether the last ASGI request's body is incomplete; 0.54.0 leaves that so if the response came before."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and cycle.more_body

    def finish_unread_body(self) -> None:
        """End a body that was answered early: 0.54.0 ignores its end, and has dropped the keep-alive timer."""
        self.cycle.more_body = False
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)


class UvicornWebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol on websockets' Sans-I/O layer, with the state that ``WebSocketProtocol`` uses."""

    loop: asyncio.AbstractEventLoop
    """0.54.0: the running loop, for timers."""
    transport: asyncio.Transport
    """0.54.0: the connection, for its buffers and for aborts."""
    conn: ServerProtocol
    """0.54.0: the state of the WebSocket protocol, for close frames of our own and for failed handshakes."""
    handshake_initiated: bool
    """0.54.0: a handshake was parsed, so it has been accepted or rejected."""
    writable: asyncio.Event
    """0.54.0: set while the write buffer has room; ``send`` waits for it."""
    close_sent: bool
    """0.54.0: a close frame was written, so no other may follow."""
    close_timer: asyncio.TimerHandle | None
    """0.54.0: ends the wait for the peer's close frame by a close of the transport, which waits for unread bytes."""
    pong_timer: asyncio.TimerHandle | None
    """0.54.0: calls ``keepalive_timeout``."""
    pending_ping_payload: bytes | None
    """0.54.0: the payload of the ping that awaits its pong."""

    @property
    def handshake_failed(self) -> bool:
        """Whether the first bytes are no request at all: 0.54.0 neither answers nor closes then."""
        return self.conn.handshake_exc is not None and not self.handshake_initiated

    def write_close(self, code: int, reason: str) -> None:
        """Write a close frame behind the unread bytes, and close."""
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()

    def forget_ping(self) -> None:
        """Discard the ping that awaits its pong."""
        self.pong_timer = self.pending_ping_payload = None
