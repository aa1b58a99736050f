"""Downloads: backpressure, and complete bodies or an error."""

import asyncio

import pytest

from services.chassis.http.client.download import CHUNK_BYTES, MAX_BUFFERED_BYTES
from services.chassis.http.client.origin import Origin
from tests.integration.chassis.http.client.downloads import BEGIN, CHUNKED, download, read_all, respond_with
from tests.integration.chassis.http.client.scripted_server import OK, Peer, echo_bodies, run_script, send_request

LARGE = 200_000_000
MAX_BUFFERED = 262_144
"""Bytes that an event loop reads from a socket at once."""


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        ([OK], 200, b"ok"),
        ([BEGIN + b"Content-Length: 0\r\n\r\n"], 200, b""),
        ([BEGIN, b"Content-Length: 2\r\n", b"\r\n", b"o", b"k"], 200, b"ok"),
        ([CHUNKED, b"1\r\no\r\n", b"1\r\nk\r\n", b"0\r\n\r\n"], 200, b"ok"),
        ([CHUNKED + b"2;a=b\r\nok\r\n0\r\nDigest: x\r\n\r\n"], 200, b"ok"),
        ([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", OK], 200, b"ok"),
        ([b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 9\r\n\r\n"], 304, b""),
        ([b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n", b"no"], 404, b"no"),
    ],
)
async def test_a_complete_download_leaves_its_connection_reusable(data: list[bytes], status: int, body: bytes) -> None:
    async with run_script(respond_with(*data)) as server, Origin(server.url) as origin:
        response = await download(origin)
        assert response.head.status == status
        assert await read_all(response) == body
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 1


async def test_the_request_and_the_response_headers() -> None:
    requests: list[bytes] = []

    async def once(peer: Peer) -> None:
        requests.append(await peer.answer(BEGIN + b"ETag: one\r\nContent-Length: 2\r\n\r\nok"))
        await peer.gone()

    async with run_script(once) as server, Origin(server.url) as origin:
        response = await download(origin)
        assert (response.head.header(b"etag"), response.head.header(b"server")) == (b"one", None)
        assert await read_all(response) == b"ok"
    assert requests[0].startswith(b"GET /file HTTP/1.1\r\n")
    assert b"\r\nA: b\r\n" in requests[0]


@pytest.mark.parametrize(
    "data",
    [
        BEGIN + b"\r\nuntil the end",
        BEGIN + b"Connection: close\r\n\r\nuntil the end",
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    ],
)
@pytest.mark.parametrize("half", [False, True])
async def test_a_body_delimited_by_the_connections_end(data: bytes, half: bool) -> None:
    async def ends(peer: Peer) -> None:
        await peer.answer(data)
        if half:
            peer.end()
            await peer.gone()

    async with run_script(ends, echo_bodies) as server, Origin(server.url) as origin:
        assert await read_all(await download(origin)) == b"until the end"
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 2


async def test_chunks_are_delivered_before_the_response_is_complete() -> None:
    read = asyncio.Event()

    async def slowly(peer: Peer) -> None:
        await peer.answer(CHUNKED + b"3\r\none\r\n")
        await read.wait()
        await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")
        await peer.gone()

    async with run_script(slowly) as server, Origin(server.url) as origin:
        response = await download(origin)
        assert await anext(response) == b"one"
        read.set()
        assert await read_all(response) == b"two"


FRAMED = {
    "length": (BEGIN + b"Content-Length: %d\r\n\r\n" % LARGE, b"%b", b""),
    "chunked": (CHUNKED, b"186a0\r\n%b\r\n", b"0\r\n\r\n"),
    "end": (BEGIN + b"\r\n", b"%b", b""),
}


@pytest.mark.parametrize("framing", FRAMED)
async def test_a_slow_reader_applies_backpressure_and_little_is_buffered(framing: str) -> None:
    head, frame, end = FRAMED[framing]
    sent = 0

    async def large(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(head)
        piece = b"x" * 100_000
        for _ in range(LARGE // len(piece)):
            await peer.send(frame % piece)
            sent += len(piece)
        await peer.send(end)
        if framing != "end":
            await echo_bodies(peer)

    async with run_script(large, echo_bodies) as server, Origin(server.url) as origin:
        response = await download(origin)
        before = -1
        async with asyncio.timeout(60):
            while sent != before or not sent:
                before = sent
                for _ in range(50):
                    await asyncio.sleep(0)
        assert sent < 30_000_000  # what the kernel keeps, and no more
        got, most = 0, len(response._buffer)
        async for piece in response:
            got += len(piece)
            assert len(piece) <= CHUNK_BYTES
            most = max(most, len(response._buffer))
        assert got == LARGE
        assert most <= MAX_BUFFERED_BYTES + MAX_BUFFERED
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == (2 if framing == "end" else 1)


async def test_a_body_may_take_longer_than_the_stall_timeout() -> None:
    """Each chunk arrives after more than half the stall timeout, and all of them take several."""

    async def slowly(peer: Peer) -> None:
        await peer.answer(BEGIN + b"Content-Length: 4\r\n\r\n")
        loop = asyncio.get_running_loop()
        for _ in range(4):
            end = loop.time() + 0.12
            while loop.time() < end:
                await asyncio.sleep(0.01)
            await peer.send(b"x")
        await peer.gone()

    async with run_script(slowly) as server, Origin(server.url) as origin:
        assert await read_all(await download(origin, timeout_s=0.2, pause_s=0.2)) == b"xxxx"
