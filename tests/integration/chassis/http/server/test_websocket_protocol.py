"""Ends of WebSockets whose peer is silent, does not read, or sends too many control frames."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.frames import Frame, Opcode

from services.chassis.http.server import websocket_protocol
from services.chassis.http.server.websocket_protocol import POLICY_VIOLATION, TRY_AGAIN_LATER, WebSocketProtocol
from tests.support.polling import until

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SENT = b"x" * 100_000


class PushServer:
    """A server that sends without end to each peer if ``sends`` is set."""

    def __init__(self, *, sends: bool, ping_s: float) -> None:
        self.sends = sends
        self.app = Starlette(routes=[WebSocketRoute("/", self._endpoint)])
        config = uvicorn.Config(
            self.app,
            log_config=None,
            lifespan="off",
            ws=WebSocketProtocol,
            ws_per_message_deflate=False,
            ws_ping_interval=ping_s,
            ws_ping_timeout=ping_s,
        )
        self.uvicorn = uvicorn.Server(config)

    @property
    def remaining(self) -> list[object]:
        """The open connections and their tasks."""
        state = self.uvicorn.server_state
        return [*state.connections, *state.tasks]

    async def _endpoint(self, peer: WebSocket) -> None:
        await peer.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while self.sends:
                await peer.send_bytes(SENT)
            await peer.receive_bytes()


@contextlib.asynccontextmanager
async def serve(server: PushServer) -> AsyncIterator[int]:
    """Serve on a port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = server.uvicorn.config
    config.load()
    server.uvicorn.lifespan = config.lifespan_class(config)
    task = asyncio.create_task(server.uvicorn._serve([listener]))
    await until(lambda: asyncio.sleep(0, server.uvicorn.started))
    try:
        yield listener.getsockname()[1]
    finally:
        server.uvicorn.should_exit = True
        await task
        listener.close()


@pytest.mark.parametrize("sends", [False, True], ids=["silent", "reads nothing"])
async def test_a_peer_that_sends_no_pong_leaves_nothing_behind(sends: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_protocol, "LINGER_S", 0.2)
    server = PushServer(sends=sends, ping_s=0.2)
    async with serve(server) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
        writer.write(HANDSHAKE)
        try:
            assert b"101" in await reader.readline()
            await until(lambda: asyncio.sleep(0, server.remaining), lambda left: not left)
            if not sends:
                ending = await reader.read()
                assert ending.endswith(b"no pong")
                assert TRY_AGAIN_LATER.to_bytes(2, "big") in ending
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("before", "again"),
    [
        (b"", Frame(Opcode.PING, b"x")),
        (b"", Frame(Opcode.PONG, b"x")),
        (b"\x01\x80" + bytes(4), Frame(Opcode.CONT, b"", fin=False)),
    ],
    ids=["pings", "pongs", "pieces of a message"],
)
async def test_a_peer_that_sends_too_many_frames_is_disconnected(
    before: bytes, again: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_protocol, "MAX_CONTROL_FRAMES", 50)
    frame = again.serialize(mask=True)
    async with serve(PushServer(sends=False, ping_s=60)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(before + frame * 51)
            async with asyncio.timeout(60):
                ending = await reader.read()
            assert ending.endswith(POLICY_VIOLATION.to_bytes(2, "big") + b"too many frames")
        finally:
            writer.close()


async def test_frames_are_counted_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_protocol, "MAX_CONTROL_FRAMES", 50)
    monkeypatch.setattr(websocket_protocol, "FRAME_WINDOW_S", 0.0)
    async with serve(PushServer(sends=False, ping_s=60)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(Frame(Opcode.PING, b"x").serialize(mask=True) * 500)
            async with asyncio.timeout(60):
                assert await reader.readexactly(500 * 3) == b"\x8a\x01x" * 500
        finally:
            writer.close()
