"""Limits of slow clients: their connections end, and other clients are unaffected."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.chassis.http.server import http_protocol
from services.chassis.http.server.http_protocol import HttpProtocol
from tests.support.http_server import close_connections, serve_config
from tests.support.polling import until

LARGE = 40_000_000


async def refuse(request: Request) -> Response:
    return Response(b"no", 413)


async def large(request: Request) -> Response:
    return Response(b"x" * LARGE)


@contextlib.asynccontextmanager
async def serve(keep_alive_s: int = 60) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """Serve on a port."""
    routes = [Route("/refuse", refuse, methods=["POST"]), Route("/large", large)]
    app = Starlette(routes=routes)
    config = uvicorn.Config(app, http=HttpProtocol, log_config=None, lifespan="off", timeout_keep_alive=keep_alive_s)
    async with serve_config(config) as (server, port):
        try:
            yield server, port
        finally:
            close_connections(server)


@contextlib.asynccontextmanager
async def start_request(port: int, head: bytes) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000)
    writer.write(head)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def open_connections(server: uvicorn.Server) -> int:
    return len(server.server_state.connections)


async def read_refusal(reader: asyncio.StreamReader) -> None:
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\nno"), 60)
    assert answer.startswith(b"HTTP/1.1 413 ")


UPLOAD = b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


async def test_a_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "SLOW_READER_TIMEOUT_S", 0.1)
    async with serve() as (server, port), start_request(port, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"):
        await until(lambda: open_connections(server), lambda open_: open_ == 1)
        await until(lambda: open_connections(server), lambda open_: open_ == 0)


async def test_a_client_that_reads_late_stays_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "SLOW_READER_TIMEOUT_S", 30)
    async with (
        serve() as (server, port),
        start_request(port, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n") as (reader, writer),
    ):
        await reader.readuntil(b"\r\n\r\n")
        assert len(await asyncio.wait_for(reader.readexactly(LARGE), 60)) == LARGE
        writer.write(UPLOAD)
        await read_refusal(reader)
        assert await open_connections(server) == 1


async def test_a_refused_body_without_end_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends without end receives its response, and then the connection ends."""
    monkeypatch.setattr(http_protocol, "LINGER_S", 0.2)
    head = UPLOAD.replace(b"10", b"100000000000")
    async with serve() as (server, port), start_request(port, head) as (reader, writer):
        await read_refusal(reader)

        async def goes_on() -> int:
            writer.write(b"x" * 1_000)
            return await open_connections(server)

        await until(goes_on, lambda open_: open_ == 0)


async def test_a_refused_body_that_stalls_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "LINGER_S", 0.2)
    async with serve() as (server, port), start_request(port, UPLOAD + b"half") as (reader, _):
        await read_refusal(reader)
        await until(lambda: open_connections(server), lambda open_: open_ == 0)


async def test_a_refused_body_that_ends_in_time_keeps_the_connection() -> None:
    async with serve() as (_, port), start_request(port, UPLOAD + b"half") as (reader, writer):
        await read_refusal(reader)
        for _ in range(3):
            writer.write(b"-- end" + UPLOAD + b"half")
            await read_refusal(reader)


async def test_after_a_refused_body_the_idle_timeout_applies() -> None:
    async with serve(keep_alive_s=1) as (server, port), start_request(port, UPLOAD + b"half") as (reader, writer):
        await read_refusal(reader)
        writer.write(b"-- end")
        await until(lambda: open_connections(server), lambda open_: open_ == 0)
