"""Cancellation of downloads: nothing remains, and their connections become available."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from services.chassis.http.client.download import Download
from services.chassis.http.client.errors import ConnectionLost, PoolExhausted, RequestTimeout
from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import field_lines
from tests.integration.chassis.http.client.downloads import BEGIN, CHUNKED, download, read_all, respond_with
from tests.integration.chassis.http.client.scripted_server import OK, Peer, echo_bodies, run_script, send_request
from tests.support.polling import until


async def test_a_reader_that_stops_reading_without_close() -> None:
    """A forgotten download does not hold its connection for ever."""

    async def endless(peer: Peer) -> None:
        await peer.request()
        with contextlib.suppress(ConnectionError):
            while True:
                await peer.send(b"x" * 100_000 if peer.writer.transport.get_write_buffer_size() else BEGIN + b"\r\n")

    async with run_script(endless) as server, Origin(server.url) as origin:
        response = await download(origin, pause_s=0.1)
        await until(lambda: asyncio.sleep(0, not origin._pool.open))
        with pytest.raises(RequestTimeout):
            await read_all(response)


async def endless(peer: Peer) -> None:
    await peer.answer(CHUNKED)
    with contextlib.suppress(ConnectionError):
        while True:
            await peer.send(b"4\r\nmore\r\n")


@pytest.mark.parametrize("pieces", [0, 1, 5])
async def test_closing_a_download_closes_its_connection(pieces: int) -> None:
    async with run_script(endless, echo_bodies) as server, Origin(server.url) as origin:
        response = await download(origin)
        for _ in range(pieces):
            await anext(response)
        response.close()
        response.close()
        await server.playing[0]
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 2


async def test_closing_a_complete_download_keeps_its_connection() -> None:
    async with run_script(respond_with(OK)) as server, Origin(server.url) as origin:
        response = await download(origin)
        await response.ended
        response.close()
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 1


@pytest.mark.parametrize("iterations", range(8))
async def test_cancelled_before_the_response_head(iterations: int) -> None:
    """Cancel in each of the first iterations of the loop: during the connection, the request and the head."""
    async with run_script(endless) as server, Origin(server.url, connections=1) as origin:
        task = asyncio.ensure_future(download(origin))
        for _ in range(iterations):
            await asyncio.sleep(0)
        task.cancel()
        (done,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(done, Download):
            done.close()
        await until(lambda: asyncio.sleep(0, (len(origin._pool.open), origin._streams)), lambda left: left == (0, 0))


async def test_a_download_can_be_read_on_after_a_cancelled_read() -> None:
    read = asyncio.Event()

    async def slowly(peer: Peer) -> None:
        await peer.answer(BEGIN + b"Content-Length: 5\r\n\r\n")
        await read.wait()
        await peer.send(b"after")
        await peer.gone()

    async with run_script(slowly) as server, Origin(server.url) as origin:
        response = await download(origin)
        task = asyncio.ensure_future(anext(response))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        read.set()
        assert await read_all(response) == b"after"


async def test_streams_leave_connections_for_other_requests() -> None:
    """Streams up to the limit, half of them uploads: the next one is rejected, a small request is not."""

    async def waits(peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            await peer.send(CHUNKED)
            await peer.read_all()
        elif b"chunked" in head:
            await peer.read_all()
        else:
            await peer.send(BEGIN + b"Connection: close\r\nContent-Length: 2\r\n\r\nok")
            await peer.gone()

    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async with run_script(waits) as server, Origin(server.url, connections=5, streams=4) as origin:
        uploads = [
            asyncio.ensure_future(origin.upload(origin.start("POST", "/"), field_lines({}), never(), pause_s=5))
            for _ in range(2)
        ]
        downloads = [await download(origin) for _ in range(2)]
        for _ in range(2):
            with pytest.raises(PoolExhausted):
                await download(origin)
        with pytest.raises(PoolExhausted):
            await origin.upload(origin.start("POST", "/"), field_lines({}), never(), pause_s=5)
        assert (await send_request(origin)).body == b"ok"
        downloads[0].close()
        await until(lambda: asyncio.sleep(0, origin._streams == 3))
        (await download(origin)).close()
        for upload in uploads:
            upload.cancel()
        await asyncio.gather(*uploads, return_exceptions=True)
        downloads[1].close()
        await until(lambda: asyncio.sleep(0, origin._streams), lambda left: left == 0)


async def test_close_ends_open_downloads() -> None:
    async with run_script(endless) as server:
        origin = Origin(server.url)
        response = await download(origin)
        await anext(response)
        await origin.close()
        with pytest.raises(ConnectionLost):
            await read_all(response)
        with pytest.raises(ConnectionLost):
            await download(origin)
