"""Truncated and malformed downloads: an error, and no reuse of the connection."""

import asyncio
import contextlib

import pytest

from services.chassis.http.client.errors import ConnectionLost, MalformedResponse, RequestTimeout, TransportError
from services.chassis.http.client.origin import Origin
from tests.integration.chassis.http.client.downloads import BEGIN, CHUNKED, download, read_all, respond_with
from tests.integration.chassis.http.client.scripted_server import OK, Peer, echo_bodies, run_script, send_request
from tests.support.polling import until


@pytest.mark.parametrize(
    "data",
    [
        BEGIN + b"Content-Length: 10\r\n\r\nabc",
        CHUNKED + b"3\r\nabc\r\n",
        CHUNKED + b"4\r\nabc",
        CHUNKED + b"3\r\nabc\r\n0\r\n",
    ],
)
@pytest.mark.parametrize("ending", ["closes", "ends its half", "resets"])
async def test_a_truncated_body_is_lost_behind_its_received_chunks(data: bytes, ending: str) -> None:
    read = asyncio.Event()

    async def breaks_off(peer: Peer) -> None:
        await peer.answer(data)
        await read.wait()
        if ending == "resets":
            peer.reset()
        elif ending == "ends its half":
            peer.end()
            await peer.gone()

    async with run_script(breaks_off, echo_bodies) as server, Origin(server.url) as origin:
        response = await download(origin)
        assert await anext(response) == b"abc"
        read.set()
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                await anext(response)
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 2


@pytest.mark.parametrize(
    "more",
    [
        b"xyz\r\n",
        b"3\r\nabcd\r\n",
        b"fffffffffffffffff\r\n",
        b"1;" + b"x" * 100_000,
        b"0\r\nTrailer: " + b"x" * 100_000,
        b"0\r\n" + b"Trailer: x\r\n" * 10_000,
        b"0\r\n\r\n" + OK,
    ],
)
async def test_malformed_framing_is_refused_in_the_middle_of_a_body(more: bytes) -> None:
    read = asyncio.Event()

    async def lies(peer: Peer) -> None:
        await peer.answer(CHUNKED + b"3\r\nabc\r\n")
        await read.wait()
        with contextlib.suppress(ConnectionError):
            await peer.send(more)
            await peer.read_all()

    async with run_script(lies, echo_bodies) as server, Origin(server.url) as origin:
        response = await download(origin)
        assert await anext(response) == b"abc"
        read.set()
        with pytest.raises(MalformedResponse):
            await read_all(response)
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 2


async def test_framing_without_data_is_bounded() -> None:
    async def drips(peer: Peer) -> None:
        await peer.answer(CHUNKED + b"1\r\nx\r\n1;")
        with contextlib.suppress(ConnectionError):
            while True:
                await peer.send(b"y" * 1_000)

    async with run_script(drips) as server, Origin(server.url) as origin:
        response = await download(origin)
        assert await anext(response) == b"x"
        with pytest.raises(MalformedResponse):
            await anext(response)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"not HTTP at all\r\n\r\n", MalformedResponse),
        (b"HTTP/1.1 200 " + b"x" * 100_000, MalformedResponse),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, MalformedResponse),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", MalformedResponse),
    ],
)
async def test_a_malformed_head(data: bytes, error: type[TransportError]) -> None:
    async def lies(peer: Peer) -> None:
        with contextlib.suppress(ConnectionError):
            await peer.answer(data)
            await peer.read_all()

    async with run_script(lies) as server, Origin(server.url) as origin:
        with pytest.raises(error):
            await download(origin)


@pytest.mark.parametrize("part", [b"", OK[:20], b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_a_response_that_does_not_begin(part: bytes) -> None:
    async with run_script(respond_with(part), echo_bodies) as server, Origin(server.url) as origin:
        with pytest.raises(RequestTimeout):
            await download(origin, timeout_s=0.1, pause_s=60)
        await until(lambda: asyncio.sleep(0, not origin._pool.open))


async def test_a_server_that_stalls_in_the_middle() -> None:
    async with (
        run_script(respond_with(BEGIN + b"Content-Length: 10\r\n\r\nabc")) as server,
        Origin(server.url) as origin,
    ):
        response = await download(origin, pause_s=0.1)
        assert await anext(response) == b"abc"
        with pytest.raises(RequestTimeout):
            await anext(response)


async def when_used_again(peer: Peer) -> None:
    await peer.answer()
    await peer.request()
    peer.reset()


async def test_a_download_on_a_connection_that_has_ended_is_retried() -> None:
    async with run_script(when_used_again, echo_bodies) as server, Origin(server.url) as origin:
        await send_request(origin)
        response = await download(origin)
        assert (response.head.status, await read_all(response)) == (200, b"")
        assert server.opened == 2
        await until(lambda: asyncio.sleep(0, not origin._streams))


async def test_a_download_is_requested_twice_at_most() -> None:
    async def takes(peer: Peer) -> None:
        await peer.request()

    async with run_script(takes) as server, Origin(server.url) as origin:
        with pytest.raises(ConnectionLost):
            await download(origin)
        assert server.opened == 2
        assert origin._streams == 0


async def test_a_truncated_download_is_not_retried() -> None:
    async def breaks_off(peer: Peer) -> None:
        await peer.answer(BEGIN + b"Content-Length: 10\r\n\r\nabc")

    async with run_script(breaks_off) as server, Origin(server.url) as origin:
        with pytest.raises(ConnectionLost):
            await read_all(await download(origin))
        assert server.opened == 1
