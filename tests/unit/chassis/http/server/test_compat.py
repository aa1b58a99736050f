"""Assumptions about uvicorn's internals: a failure names the one that a release of uvicorn has broken."""

import asyncio
import contextlib
import inspect
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from services.chassis.http.server.compat import STATUS_LINE, Server, UvicornHttpProtocol, UvicornWebSocketProtocol
from services.chassis.http.server.http_protocol import HttpProtocol
from services.chassis.http.server.websocket_protocol import WebSocketProtocol

POST_HEAD = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class MemoryTransport(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)})
        self.written = b""
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def respond_early(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond without reading the body; accept a WebSocket and close it."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        return
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 1000})


def connect(kind: type[Any]) -> tuple[Any, MemoryTransport]:
    """Return a protocol of uvicorn on a connection in memory."""
    config = uvicorn.Config(respond_early, lifespan="off", log_config=None, ws=UvicornWebSocketProtocol)
    protocol, transport = kind(config, ServerState(), {}), MemoryTransport()
    protocol.connection_made(transport)
    return protocol, transport


def broken(assumption: str) -> str:
    return f"uvicorn {uvicorn.__version__} broke an assumption of compat.py, made for 0.54.0: {assumption}"


@pytest.mark.parametrize(
    ("ours", "theirs", "name"),
    [
        (ours, theirs, name)
        for ours, theirs in (
            (UvicornHttpProtocol, HttpToolsProtocol),
            (UvicornWebSocketProtocol, WebSocketsSansIOProtocol),
        )
        for name in inspect.get_annotations(ours)
    ],
)
async def test_each_attribute_is_uvicorns(ours: type[Any], theirs: type[Any], name: str) -> None:
    protocol, _ = connect(theirs)
    if theirs is HttpToolsProtocol:
        protocol.data_received(POST_HEAD)
    assert hasattr(protocol, name), broken(f"{theirs.__name__}.{name}")


@pytest.mark.parametrize(
    ("ours", "theirs", "beside"),
    [
        (HttpProtocol, HttpToolsProtocol, {"configured", "is_late"}),
        (WebSocketProtocol, WebSocketsSansIOProtocol, set()),
        (Server, uvicorn.Server, {"connections"}),
    ],
)
def test_each_override_is_of_a_method_of_uvicorn(ours: type[Any], theirs: type[Any], beside: set[str]) -> None:
    methods = {name for name, one in vars(ours).items() if callable(getattr(one, "__func__", one))}
    for name in methods - beside:
        assert name.startswith("_") or hasattr(theirs, name), broken(f"{theirs.__name__}.{name} is called")


def test_status_lines_are_whole() -> None:
    assert STATUS_LINE[200] == b"HTTP/1.1 200 OK\r\n", broken("STATUS_LINE has the lines with their ends")


async def test_the_parsers_callbacks_can_reject_a_head() -> None:
    class Rejecting(HttpToolsProtocol):
        rejected = False

        def on_headers_complete(self) -> None:
            raise ValueError

        def send_400_response(self, msg: str) -> None:
            self.rejected = True

    protocol, _ = connect(Rejecting)
    protocol.data_received(POST_HEAD)
    assert protocol.rejected, broken("an error of on_headers_complete leads to send_400_response")


async def test_the_target_is_read_when_the_head_is_complete() -> None:
    class Rewriting(HttpToolsProtocol):
        def on_headers_complete(self) -> None:
            assert (b"host", b"x") in self.headers, broken("names of fields are in lower case")
            self.url = b"/other?q=1"
            super().on_headers_complete()

    protocol, _ = connect(Rewriting)
    protocol.data_received(POST_HEAD)
    assert protocol.scope["path"] == "/other", broken("on_headers_complete reads url")
    assert protocol.scope["headers"] is protocol.headers, broken("headers are the scope's own")


async def test_a_body_that_was_answered_early_stays_unread() -> None:
    protocol, transport = connect(UvicornHttpProtocol)
    assert (protocol.is_responding, protocol.has_unread_body) == (False, False), broken("cycle is None at first")
    protocol.data_received(POST_HEAD)
    assert (protocol.is_responding, protocol.has_unread_body) == (True, True), broken("cycle is the request's")
    await asyncio.gather(*protocol.tasks)
    assert STATUS_LINE[200] in transport.written
    assert (protocol.is_responding, protocol.has_unread_body) == (False, True), broken("response_complete, more_body")
    assert protocol.timeout_keep_alive_task is not None, broken("on_response_complete starts the keep-alive timer")
    protocol.data_received(b"body")
    assert protocol.has_unread_body, "finish_unread_body is not needed: uvicorn notes the end of such a body"
    assert protocol.timeout_keep_alive_task is None, "finish_unread_body is not needed: uvicorn keeps the timer"
    protocol.finish_unread_body()
    assert not protocol.has_unread_body
    protocol.connection_lost(None)


async def test_the_flow_knows_whether_the_peer_reads() -> None:
    protocol, _ = connect(UvicornHttpProtocol)
    protocol.pause_writing()
    assert protocol.flow.write_paused, broken("flow.write_paused")
    protocol.resume_writing()
    assert not protocol.flow.write_paused, broken("flow.write_paused")


async def test_default_headers_are_the_servers() -> None:
    protocol, _ = connect(UvicornHttpProtocol)
    assert protocol.server_state.default_headers == [], broken("server_state.default_headers is a list of fields")


@pytest.mark.parametrize("kind", [UvicornHttpProtocol, UvicornWebSocketProtocol])
async def test_a_protocol_is_among_its_servers_connections(kind: type[Any]) -> None:
    config = uvicorn.Config(respond_early, lifespan="off", log_config=None)
    server = Server(config)
    protocol = kind(config, server.server_state, {})
    protocol.connection_made(MemoryTransport())
    assert protocol in server.connections, broken("server_state.connections has every connection")


async def test_bytes_that_are_no_request_get_no_response() -> None:
    protocol, transport = connect(UvicornWebSocketProtocol)
    protocol.data_received(HANDSHAKE.replace(b"Host: x", b"Host: x\r\nContent-Length: 4"))
    assert protocol.handshake_failed, broken("conn.handshake_exc and handshake_initiated tell of a failed handshake")
    assert not transport.written, "handshake_failed is not needed: uvicorn responds by itself"


async def test_a_close_is_written_behind_unread_bytes_and_timed() -> None:
    protocol, transport = connect(UvicornWebSocketProtocol)
    protocol.data_received(HANDSHAKE)
    assert not protocol.handshake_failed
    await asyncio.gather(*protocol.tasks)
    assert b" 101 " in transport.written
    assert protocol.close_sent, broken("close_sent")
    assert protocol.close_timer is not None, broken("close_timer")
    protocol.close_timer.cancel()
    protocol.stop_keepalive()


async def test_send_waits_until_the_peer_reads() -> None:
    protocol, _ = connect(UvicornWebSocketProtocol)
    protocol.pause_writing()
    assert not protocol.writable.is_set(), broken("writable")
    sending = asyncio.ensure_future(protocol.send({"type": "websocket.close"}))
    await asyncio.sleep(0)
    assert not sending.done(), "writable need not be set: uvicorn's send does not wait"
    sending.cancel()


@pytest.mark.parametrize(
    ("frame", "method"), [(b"\x89\x80aaaa", "handle_ping"), (b"\x8a\x80aaaa", "handle_pong"), (b"", "handle_cont")]
)
async def test_each_frame_has_its_handler(frame: bytes, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol, _ = connect(UvicornWebSocketProtocol)
    called: list[str] = []
    monkeypatch.setattr(protocol, method, lambda *_: called.append(method))
    protocol.data_received(HANDSHAKE)
    protocol.handshake_complete = True
    protocol.conn.send_response(protocol.response)
    protocol.data_received(frame or b"\x01\x80aaaa\x80\x80aaaa")
    assert called == [method], broken(f"{method} is called for each of its frames")
    await asyncio.gather(*protocol.tasks, return_exceptions=True)


async def test_an_unanswered_ping_calls_keepalive_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    protocol, _ = connect(UvicornWebSocketProtocol)
    protocol.data_received(HANDSHAKE)
    protocol.conn.send_response(protocol.response)
    called: list[None] = []
    monkeypatch.setattr(protocol, "keepalive_timeout", lambda: called.append(None))
    protocol.ping_timeout = 0
    protocol.send_keepalive_ping()
    assert protocol.pending_ping_payload is not None, broken("pending_ping_payload")
    await asyncio.sleep(0.01)
    assert called, broken("pong_timer calls keepalive_timeout")
    await asyncio.gather(*protocol.tasks, return_exceptions=True)


async def test_serve_installs_signal_handlers_in_capture_signals() -> None:
    class Recording(Server):
        captured = False

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            self.captured = True
            with super().capture_signals():
                yield

    server = Recording(uvicorn.Config(respond_early, lifespan="off", log_config=None))
    server.should_exit = True
    handler = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await server.serve([listener])
    assert server.captured, broken("serve enters capture_signals")
    assert signal.getsignal(signal.SIGTERM) is handler
    with uvicorn.Server(server.config).capture_signals():
        assert signal.getsignal(signal.SIGTERM) is not handler, "Server is not needed: uvicorn installs no handlers"
