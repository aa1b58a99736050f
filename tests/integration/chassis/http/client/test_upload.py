"""Uploads: backpressure, and an end at an early response."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from services.chassis.http.client.errors import ConnectionLost, RequestTimeout
from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import field_lines
from services.chassis.http.client.response import ClientResponse
from tests.integration.chassis.http.client.scripted_server import OK, Peer, echo_bodies, run_script, send_request

CHUNK = b"x" * 50_000


async def upload(origin: Origin, pieces: AsyncIterator[bytes], pause_s: float = 5) -> ClientResponse:
    return await origin.upload(origin.start("POST", "/file"), field_lines({"A": "b"}), pieces, pause_s=pause_s)


class CountedChunks:
    """A number of chunks that counts how many were read."""

    def __init__(self, many: int, piece: bytes = CHUNK, then: BaseException | None = None) -> None:
        self.taken = 0
        self._many, self._piece, self._then = many, piece, then

    def __aiter__(self) -> "CountedChunks":
        return self

    async def __anext__(self) -> bytes:
        if self.taken == self._many:
            raise self._then or StopAsyncIteration
        self.taken += 1
        return self._piece


async def test_a_chunked_upload_leaves_its_connection_reusable() -> None:
    requests: list[bytes] = []

    async def twice(peer: Peer) -> None:
        requests.append(await peer.answer())
        await peer.answer()
        await peer.gone()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b""
        yield b"and twenty-six characters."

    async with run_script(twice) as server, Origin(server.url) as origin:
        assert (await upload(origin, pieces())).body == b"ok"
        assert (await send_request(origin)).body == b"ok"
        assert server.opened == 1
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /file HTTP/1.1\r\n")
    assert head.endswith(b"\r\nA: b\r\nTransfer-Encoding: chunked")
    assert body == b"3\r\none\r\n1a\r\nand twenty-six characters.\r\n0\r\n\r\n"


async def test_a_slow_server_applies_backpressure() -> None:
    reading = asyncio.Event()

    async def slowly(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await reading.wait()
        end = b""
        while not end.endswith(b"\r\n0\r\n\r\n"):
            end = end[-10:] + await peer.reader.read(1_000_000)
        await peer.send(OK)
        await peer.gone()

    pieces = CountedChunks(1_000)
    async with run_script(slowly) as server, Origin(server.url) as origin:
        task = asyncio.ensure_future(upload(origin, pieces))
        read = -1
        async with asyncio.timeout(60):
            while read != pieces.taken or not pieces.taken:
                read = pieces.taken
                for _ in range(50):
                    await asyncio.sleep(0)
        assert 0 < read < 500  # what the kernel keeps, and no more
        reading.set()
        assert (await task).body == b"ok"
        assert pieces.taken == 1_000


async def test_an_early_response_ends_the_upload() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await peer.read_all()

    pieces = CountedChunks(10_000)
    async with run_script(refuses, echo_bodies) as server, Origin(server.url) as origin:
        assert (await upload(origin, pieces)).status == 413
        assert pieces.taken < 10_000
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 2


async def refuses_at_once(peer: Peer) -> None:
    await peer.reader.readuntil(b"1\r\nx\r\n")
    await peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
    await peer.read_all()


async def dies_at_once(peer: Peer) -> None:
    await peer.reader.readuntil(b"1\r\nx\r\n")
    peer.reset()


class StalledBody:
    """A chunk and a long wait for the next; ``ended`` is set when the wait is over."""

    def __init__(self) -> None:
        self.ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"x"
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


async def test_an_early_response_ends_the_wait_for_a_chunk_and_the_connection() -> None:
    pieces = StalledBody()
    async with run_script(refuses_at_once, echo_bodies) as server, Origin(server.url) as origin:
        assert (await upload(origin, aiter(pieces))).status == 413
        assert pieces.ended
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 2


async def test_a_lost_connection_ends_the_wait_for_a_chunk() -> None:
    pieces = StalledBody()
    async with run_script(dies_at_once) as server, Origin(server.url) as origin:
        with pytest.raises(ConnectionLost) as caught:
            await upload(origin, aiter(pieces))
        assert caught.value.sent
        assert pieces.ended


async def test_a_stalled_body_times_out() -> None:
    async def reads(peer: Peer) -> None:
        await peer.read_all()

    pieces = StalledBody()
    async with run_script(reads) as server, Origin(server.url) as origin:
        with pytest.raises(RequestTimeout):
            await upload(origin, aiter(pieces), pause_s=0.1)
        assert pieces.ended


async def test_a_timeout_error_of_the_body_is_raised() -> None:
    async def reads(peer: Peer) -> None:
        await peer.read_all()

    async with run_script(reads) as server, Origin(server.url) as origin:
        with pytest.raises(TimeoutError):
            await upload(origin, CountedChunks(1, then=TimeoutError()))


@pytest.mark.parametrize("many", [0, 1, 30])
async def test_a_body_that_fails_is_never_sent_as_complete(many: int) -> None:
    came: list[bytes] = []

    async def reads(peer: Peer) -> None:
        came.append(await peer.read_all())

    async with run_script(reads, echo_bodies) as server, Origin(server.url) as origin:
        with pytest.raises(EOFError):
            await upload(origin, CountedChunks(many, then=EOFError()))
        await server.playing[0] if server.playing else None
        assert (await send_request(origin, b"next")).body == b"next"
    assert not any(one.endswith(b"0\r\n\r\n") for one in came)


async def test_a_server_that_resets_in_the_middle() -> None:
    async def goes(peer: Peer) -> None:
        await peer.reader.readexactly(100_000)
        peer.reset()

    async with run_script(goes) as server, Origin(server.url) as origin:
        with pytest.raises(ConnectionLost) as caught:
            await upload(origin, CountedChunks(10_000))
        assert caught.value.sent


async def test_a_body_that_fails_after_the_server() -> None:
    async def goes(peer: Peer) -> None:
        await peer.reader.readuntil(b"1\r\nx\r\n")
        peer.reset()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"
        async with asyncio.timeout(60):
            while origin._pool.open:
                await asyncio.sleep(0)
        raise EOFError

    async with run_script(goes) as server, Origin(server.url) as origin:
        with pytest.raises(EOFError):
            await upload(origin, pieces())


async def test_a_server_that_does_not_read() -> None:
    done = asyncio.Event()

    async def never(peer: Peer) -> None:
        await done.wait()

    async with run_script(never) as server, Origin(server.url) as origin:
        with pytest.raises(RequestTimeout):
            await upload(origin, CountedChunks(10_000), pause_s=0.1)
        done.set()


async def test_a_server_that_does_not_respond() -> None:
    async def never(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with run_script(never) as server, Origin(server.url) as origin:
        with pytest.raises(RequestTimeout):
            await upload(origin, CountedChunks(3, b"x"), pause_s=0.1)


async def test_a_body_may_take_longer_than_the_stall_timeout() -> None:
    """Each chunk arrives after more than half the stall timeout, and all of them take several."""

    async def pieces() -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        for _ in range(4):
            until = loop.time() + 0.12
            while loop.time() < until:
                await asyncio.sleep(0.01)
            yield b"x"

    async with run_script(always_ok) as server, Origin(server.url) as origin:
        assert (await upload(origin, pieces(), pause_s=0.2)).body == b"ok"


async def always_ok(peer: Peer) -> None:
    await peer.answer()
    await peer.gone()


async def test_cancelled_in_the_middle() -> None:
    began = asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        while True:
            yield CHUNK
            began.set()
            await asyncio.sleep(0)

    async def reads(peer: Peer) -> None:
        await peer.read_all()

    async with run_script(reads) as server, Origin(server.url) as origin:
        pieces = endless()
        task = asyncio.ensure_future(upload(origin, pieces))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await pieces.aclose()
        await server.playing[0]


async def test_an_early_response_to_a_large_body() -> None:
    """A whole body with an early response: its unsent rest must not precede the next request."""

    async def refuses(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await peer.read_all()

    async with run_script(refuses, echo_bodies) as server, Origin(server.url) as origin:
        assert (await send_request(origin, b"x" * 50_000_000)).status == 413
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 2
