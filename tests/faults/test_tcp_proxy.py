"""Tests of the TCP proxy."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import pytest

from tests.support.polling import until
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture
async def proxy() -> AsyncIterator[TcpProxy]:
    """A proxy before an echo server."""
    connections: set[asyncio.Task[None] | None] = set()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.current_task())
        with contextlib.suppress(OSError):
            while chunk := await reader.read(1000):
                writer.write(chunk)
        await close(writer)
        connections.discard(asyncio.current_task())

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = TcpProxy(port, server.sockets[0].getsockname()[1])
    started.start()
    yield started
    await asyncio.to_thread(started.stop)
    server.close()
    await until(lambda: asyncio.sleep(0, not connections))


@contextlib.asynccontextmanager
async def connected(proxy: TcpProxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection through the proxy, for the length of a block."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        await close(writer)


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def echoes(proxy: TcpProxy) -> bool:
    """Tell whether the server echoes a word."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        async with connected(proxy) as (reader, writer):
            writer.write(b"hello")
            return await reader.readexactly(5) == b"hello"
    return False


async def test_a_good_network_carries(proxy: TcpProxy) -> None:
    assert await echoes(proxy)
    await until(lambda: asyncio.sleep(0, proxy.carried), lambda carried: carried == 10)


async def test_latency_is_for_each_direction(proxy: TcpProxy) -> None:
    proxy.latency_s = 0.1
    began = time.monotonic()
    assert await echoes(proxy)
    assert time.monotonic() - began >= 0.2


async def test_a_cut_ends_connections_and_new_ones_until_it_is_healed(proxy: TcpProxy) -> None:
    async with connected(proxy) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        proxy.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
    assert not await echoes(proxy)
    proxy.heal()
    assert await echoes(proxy)


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_stalled_connection_stays_open_and_goes_on_later(proxy: TcpProxy, direction: str) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.stall(direction)
        writer.write(b"hello")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(5), 0.2)
        proxy.heal()
        assert await reader.readexactly(5) == b"hello"
