"""Endpoints: complete single POSTs bypass ASGI, all other requests do not."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from services.chassis.http.server import http_protocol
from services.chassis.http.server.endpoint import EndpointRequest, EndpointResponse
from services.chassis.http.server.http_protocol import HttpProtocol, close_late_connections
from services.chassis.process import ProcessParts, server_config
from tests.support.http_server import close_connections, serve_config
from tests.support.polling import until


class EchoApplication:
    """An echo of the body, by ASGI and directly, that counts both."""

    def __init__(self) -> None:
        self.by_asgi = self.directly = 0
        self.requests: list[EndpointRequest] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.fails = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.by_asgi += 1
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"kind", b"echo"), length]})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, request: EndpointRequest, body: bytes) -> EndpointResponse:
        self.directly += 1
        self.requests.append(request)
        await self.go_on.wait()
        if self.fails:
            raise RuntimeError("it never should")
        return EndpointResponse(200, [(b"kind", b"echo")], body)


class RunningServer:
    """A server, its application and its port."""

    def __init__(self, server: uvicorn.Server, echo: EchoApplication, port: int) -> None:
        self.server = server
        self.echo = echo
        self.port = port

    @contextlib.asynccontextmanager
    async def client(self, host: str = "127.0.0.1") -> AsyncIterator["RawClient"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(host, 0))
        try:
            yield RawClient(reader, writer)
        finally:
            writer.transport.abort()

    async def was_handed(self, requests: int) -> None:
        """Wait until so many requests have bypassed ASGI."""
        await until(lambda: asyncio.sleep(0, self.echo.directly == requests))

    async def gone(self) -> bool:
        return not self.server.server_state.connections

    def connection(self) -> HttpProtocol:
        (one,) = self.server.server_state.connections
        assert isinstance(one, HttpProtocol)
        return one


class RawClient:
    """A client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, *pieces: bytes) -> bytes:
        """Send these chunks and return the response's body."""
        for number, piece in enumerate(pieces):
            await asyncio.sleep(0.05 if number else 0)
            self.writer.write(piece)
        return (await self.answer())[1]

    async def answer(self) -> tuple[bytes, bytes]:
        async with asyncio.timeout(60):
            head = await self.reader.readuntil(b"\r\n\r\n")
            match = re.search(rb"content-length: (\d+)\r\n", head)
            assert match is not None, head
            return head, await self.reader.readexactly(int(match.group(1)))

    async def ended(self) -> bool:
        async with asyncio.timeout(60):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True


def request_bytes(body: bytes, *fields: bytes, method: bytes = b"POST", path: bytes = b"/echo") -> bytes:
    lines = [b"%b %b HTTP/1.1" % (method, path), b"Host: x", *fields, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture
async def running_server() -> AsyncIterator[RunningServer]:
    echo = EchoApplication()
    parts = ProcessParts(routes=[], checks={}, loops=[], endpoints={b"/echo": echo})
    async with serve_config(server_config(echo, parts=parts)) as (server, port):
        yield RunningServer(server, echo, port)
        close_connections(server)


async def test_a_request_reaches_the_endpoint_and_its_response_is_written(running_server: RunningServer) -> None:
    async with running_server.client() as client:
        client.writer.write(request_bytes(b"first", b"X-One: a", b"x-one: b"))
        head, body = await client.answer()
        peer = client.writer.get_extra_info("sockname")
    date = rb"date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
    assert re.fullmatch(
        rb"HTTP/1.1 200 OK\r\n%b\r\nx-content-type-options: nosniff\r\nkind: echo\r\ncontent-length: 5\r\n\r\n" % date,
        head,
    )
    assert body == b"first"
    assert (running_server.echo.by_asgi, running_server.echo.directly) == (0, 1)
    (request,) = running_server.echo.requests
    assert (request.method, request.query, request.peer) == ("POST", b"", peer)
    assert [value for name, value in request.headers if name == b"x-one"] == [b"a", b"b"]
    assert request.fields == {b"host": b"x", b"x-one": b"a", b"content-length": b"5"}


async def test_a_request_without_a_body(running_server: RunningServer) -> None:
    async with running_server.client() as client:
        assert [await client.ask(request_bytes(b"")) for _ in range(3)] == [b"", b"", b""]
    assert running_server.echo.directly == 3


@pytest.mark.parametrize(
    "request_",
    [
        request_bytes(b"body", path=b"/other"),
        request_bytes(b"body", method=b"PUT"),
        request_bytes(b"body", b"Expect: 100-continue"),
        request_bytes(b"body", b"Connection: upgrade", b"Upgrade: h2c"),
        request_bytes(b"body", path=b"/echo?a=b"),
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_requests_that_go_by_asgi(running_server: RunningServer, request_: bytes) -> None:
    async with running_server.client() as client:
        for _ in range(3):
            client.writer.write(request_)
            head, body = await client.answer() if b"Expect" not in request_ else await _after_continue(client)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n") and body in (b"body", b"")
    assert (running_server.echo.by_asgi, running_server.echo.directly) == (3, 0)


async def _after_continue(client: RawClient) -> tuple[bytes, bytes]:
    assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    return await client.answer()


async def test_a_request_with_connection_close_goes_by_asgi(running_server: RunningServer) -> None:
    for _ in range(3):
        async with running_server.client() as client:
            assert await client.ask(request_bytes(b"body", b"Connection: close")) == b"body"
            assert await client.ended()
    assert running_server.echo.directly == 0


@pytest.mark.parametrize(
    "pieces",
    [
        [request_bytes(b"body")[:10], request_bytes(b"body")[10:]],
        [request_bytes(b"body")[:-2], request_bytes(b"body")[-2:]],
        [request_bytes(b"body")[:-4], b"body"],
        [b"\r\n" + request_bytes(b"body")],
    ],
)
async def test_a_request_in_several_segments_is_answered(running_server: RunningServer, pieces: list[bytes]) -> None:
    async with running_server.client() as client:
        await client.ask(request_bytes(b"once"))
        assert await client.ask(*pieces) == b"body"
        assert await client.ask(*pieces) == b"body"
        assert await client.ask(request_bytes(b"last")) == b"last"
    assert running_server.echo.by_asgi + running_server.echo.directly == 4


def half_close(connection: HttpProtocol) -> None:
    connection.eof_received()
    connection.transport.close()


@pytest.mark.parametrize(
    "then", [half_close, HttpProtocol.shutdown, lambda connection: connection.data_received(b"\0 \r\n\r\n")]
)
async def test_a_coalesced_response_is_written_before_any_other_bytes(running_server: RunningServer, then: Any) -> None:
    async with running_server.client() as client:
        await client.ask(request_bytes(b"0000"))
        running_server.echo.go_on.clear()
        client.writer.write(request_bytes(b"1111"))
        await running_server.was_handed(2)
        running_server.echo.go_on.set()
        await asyncio.sleep(0)
        then(running_server.connection())
        head, body = await client.answer()
        assert (head[:15], body) == (b"HTTP/1.1 200 OK", b"1111")


async def test_pipelined_requests_are_answered_in_order(running_server: RunningServer) -> None:
    async with running_server.client() as client:
        await client.ask(request_bytes(b"0000"))
        client.writer.write(b"".join(request_bytes(b"%04d" % number) for number in range(1, 20)))
        assert [(await client.answer())[1] for _ in range(1, 20)] == [b"%04d" % number for number in range(1, 20)]
        assert await client.ask(request_bytes(b"last")) == b"last"


async def test_requests_wait_while_the_previous_one_is_answered(running_server: RunningServer) -> None:
    async with running_server.client() as client:
        await client.ask(request_bytes(b"0000"))
        running_server.echo.go_on.clear()
        for number in range(1, 6):
            client.writer.write(request_bytes(b"%04d" % number))
            await asyncio.sleep(0.02)
        assert running_server.echo.directly == 2
        running_server.echo.go_on.set()
        assert [(await client.answer())[1] for _ in range(1, 6)] == [b"%04d" % number for number in range(1, 6)]


async def test_a_body_is_never_read_as_a_request(running_server: RunningServer) -> None:
    """A body that looks like a request stays a body, even if its head arrived with the previous request."""
    inner = request_bytes(b"body")
    async with running_server.client() as client:
        await client.ask(inner)
        outer = request_bytes(inner, b"Outer: yes")
        head, body = outer[: -len(inner)], outer[-len(inner) :]
        client.writer.write(request_bytes(b"first", b"Other: yes") + head)
        assert (await client.answer())[1] == b"first"
        client.writer.write(body)
        assert (await client.answer())[1] == inner
        assert await client.ask(inner) == b"body"
    assert running_server.echo.directly == 2


async def test_a_disconnected_client_does_not_affect_others(running_server: RunningServer) -> None:
    async with running_server.client() as client, running_server.client() as other:
        await client.ask(request_bytes(b"body"))
        running_server.echo.go_on.clear()
        client.writer.write(request_bytes(b"body"))
        await running_server.was_handed(2)
        client.writer.transport.abort()
        await asyncio.sleep(0.05)
        running_server.echo.go_on.set()
        assert await other.ask(request_bytes(b"body")) == b"body"


async def test_an_application_error_ends_the_connection(
    running_server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_server.client() as client:
        await client.ask(request_bytes(b"body"))
        running_server.echo.fails = True
        client.writer.write(request_bytes(b"body"))
        assert await client.ended()
    with caplog.at_level(logging.ERROR):
        await until(running_server.gone)


async def test_requests_of_a_client_that_does_not_read_are_not_read(running_server: RunningServer) -> None:
    large = request_bytes(b"x" * 60_000)
    async with running_server.client() as client:
        await client.ask(large)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(1_000):
            client.writer.write(large)
        await asyncio.sleep(0.3)
        assert running_server.echo.directly + running_server.echo.by_asgi < 800, "the rest is not read"
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(1_000):
            assert (await client.answer())[1] == b"x" * 60_000


async def test_a_response_during_shutdown_announces_the_close(
    running_server: RunningServer,
) -> None:
    async with running_server.client() as client:
        await client.ask(request_bytes(b"body"))
        running_server.echo.go_on.clear()
        client.writer.write(request_bytes(b"last"))
        await running_server.was_handed(2)
        running_server.server.should_exit = True
        await asyncio.sleep(0.3)
        running_server.echo.go_on.set()
        head, body = await client.answer()
        assert b"connection: close\r\n" in head and body == b"last"
        assert await client.ended()


async def test_an_idle_connection_is_closed(running_server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "_CHECK_INTERVAL_S", 0.05)
    closing = asyncio.create_task(close_late_connections(running_server.server.server_state.connections))
    async with running_server.client() as client:
        await client.ask(request_bytes(b"body"))
        await client.ask(request_bytes(b"body"))
        connection = running_server.connection()
        now = asyncio.get_running_loop().time()
        assert not connection.is_late(now + connection.timeout_keep_alive - 1)
        assert connection.is_late(now + connection.timeout_keep_alive + 1)
        connection.timeout_keep_alive = 0.2  # type: ignore[assignment]
        assert await client.ended()
    closing.cancel()


async def test_an_incomplete_head_is_late_after_complete_requests_too(running_server: RunningServer) -> None:
    async with running_server.client() as client:
        await client.ask(request_bytes(b"body"))
        connection = running_server.connection()
        loop = asyncio.get_running_loop()
        client.writer.write(request_bytes(b"body")[:10])
        await until(lambda: asyncio.sleep(0, not connection._between_requests))
        assert not connection.is_late(loop.time())
        assert connection.is_late(loop.time() + http_protocol.HEAD_TIMEOUT_S + 1)
