"""Limits of request heads in size and time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from services.chassis.http.server import http_protocol
from services.chassis.process import server_config
from tests.support.polling import until

REQUEST = b"GET / HTTP/1.1\r\nHost: kierto\r\n\r\n"


WITH_SHORT_TIMEOUT = pytest.mark.parametrize("head_timeout_s", [0.3])


@pytest.fixture
def head_timeout_s() -> float:
    """The time for a head: on a busy machine, too, a client sends the pieces of a head faster."""
    return 60


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch, head_timeout_s: float) -> AsyncIterator[int]:
    monkeypatch.setattr(http_protocol, "HEAD_TIMEOUT_S", head_timeout_s)
    monkeypatch.setattr(http_protocol, "_CHECK_INTERVAL_S", 0.05)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await asyncio.sleep(0.8)
        await PlainTextResponse("answered")(scope, receive, send)

    server = uvicorn.Server(server_config(app))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    listening = server.config.bind_socket()
    serving = asyncio.create_task(server._serve([listening]))
    closing = asyncio.create_task(http_protocol.close_late_connections(server.server_state.connections))
    await until(lambda: asyncio.sleep(0, server.started))
    yield listening.getsockname()[1]
    server.should_exit = True
    closing.cancel()
    await asyncio.gather(serving, closing, return_exceptions=True)


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def read_until_closed(reader: asyncio.StreamReader) -> bytes:
    """Read until the server closes the connection."""
    async with asyncio.timeout(60):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("piece", [b"X-A: 1\r\n" * 500, b"x" * 5000], ids=["many fields", "one that never ends"])
async def test_an_endless_head_is_refused(port: int, piece: bytes) -> None:
    async with connected(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: kierto\r\nX-B: ")
        for _ in range(http_protocol.MAX_HEAD_BYTES // len(piece) + 1):
            writer.write(piece)
            await writer.drain()
        assert (await read_until_closed(reader)).startswith(b"HTTP/1.1 431 ")


LARGE = b"GET / HTTP/1.1\r\nHost: kierto\r\n" + b"X-A: 1\r\n" * 500 + b"\r\n"


@pytest.mark.parametrize("before", [b"", REQUEST], ids=["the first", "behind another"])
async def test_a_complete_head_is_refused_for_its_size(
    port: int, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    monkeypatch.setattr(http_protocol, "MAX_HEAD_BYTES", len(LARGE) - 100)
    async with connected(port) as (reader, writer):
        writer.write(before + LARGE)
        answer = await read_until_closed(reader)
    assert b"HTTP/1.1 431 " in answer
    assert b"x-content-type-options: nosniff\r\n" in answer.lower()


async def test_a_head_of_the_maximum_size_is_answered(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(LARGE)
        assert b" 200 " in await reader.readuntil(b"answered")


async def test_an_endless_head_behind_a_slow_request_is_refused(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(REQUEST.replace(b"/ ", b"/slow ") + b"GET / HTTP/1.1\r\nX-B: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(4 * http_protocol.MAX_HEAD_BYTES // 5000):
                writer.write(b"x" * 5000)
                await writer.drain()
        assert b"answered" not in await read_until_closed(reader), "the head is not read until then"


@WITH_SHORT_TIMEOUT
@pytest.mark.parametrize("sent", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: kierto\r\n"])
async def test_an_incomplete_head_ends_the_connection(port: int, sent: bytes) -> None:
    async with connected(port) as (reader, writer):
        writer.write(sent)
        assert await read_until_closed(reader) == b""


@WITH_SHORT_TIMEOUT
async def test_an_incomplete_second_head_ends_the_connection(port: int) -> None:
    async with connected(port) as (reader, writer):
        writer.write(REQUEST)
        await reader.readuntil(b"answered")
        writer.write(REQUEST[:20])
        assert await read_until_closed(reader) == b""


@WITH_SHORT_TIMEOUT
async def test_the_head_timeout_does_not_apply_to_waiting_or_idle_connections(port: int) -> None:
    async with connected(port) as (reader, writer):
        for _ in range(2):
            writer.write(REQUEST.replace(b"/ ", b"/slow "))
            assert b" 200 " in await reader.readuntil(b"answered")
        await asyncio.sleep(0.6)  # longer than a head may take
        writer.write(REQUEST)
        assert b" 200 " in await reader.readuntil(b"answered")
