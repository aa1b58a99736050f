"""Timeouts: a request and its connection end in time wherever the server falls silent."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from services.chassis.http.client.errors import RequestTimeout
from services.chassis.http.client.origin import Origin
from tests.integration.chassis.http.client.scripted_server import (
    OK,
    Peer,
    echo_bodies,
    run_script,
    send_request,
    start_request,
)


@contextlib.contextmanager
def full_accept_queue() -> Iterator[str]:
    """Run a server with a full backlog: new connections are not established."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            other = stack.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


async def test_while_connecting() -> None:
    with full_accept_queue() as url:
        async with Origin(url) as origin:
            with pytest.raises(RequestTimeout) as caught:
                await send_request(origin, timeout_s=0.05, repeatable=True)
            assert not caught.value.sent
            assert not origin._pool.open


@pytest.mark.parametrize("part", [b"", b"HTTP", OK[:30], OK[:-1], b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_while_the_response_is_awaited(part: bytes) -> None:
    async def silent(peer: Peer) -> None:
        await peer.answer(part)
        await peer.gone()

    async with run_script(silent, echo_bodies) as server, Origin(server.url) as origin:
        with pytest.raises(RequestTimeout) as caught:
            await send_request(origin, timeout_s=0.05, repeatable=True)
        assert caught.value.sent
        await server.playing[0]
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 2


async def test_a_slow_response_does_not_extend_the_timeout() -> None:
    async def drops(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                await peer.send(b"x")
                await asyncio.sleep(0.005)

    async with run_script(drops) as server, Origin(server.url) as origin:
        with pytest.raises(RequestTimeout):
            await send_request(origin, timeout_s=0.1)


async def test_while_waiting_for_a_connection() -> None:
    late = asyncio.Event()

    async def slowly(peer: Peer) -> None:
        await peer.request()
        await late.wait()
        await peer.send(OK)
        await peer.gone()

    async with run_script(slowly) as server, Origin(server.url, connections=1) as origin:
        first = start_request(origin)
        await asyncio.sleep(0)
        with pytest.raises(RequestTimeout) as caught:
            await send_request(origin, timeout_s=0.05)
        assert not caught.value.sent
        assert not origin._pool.waiting
        late.set()
        assert (await first).body == b"ok"
        assert server.opened == 1


async def test_a_retry_has_only_the_remaining_time() -> None:
    async def takes(peer: Peer) -> None:
        await peer.request()

    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with run_script(takes, silent) as server, Origin(server.url) as origin:
        began = asyncio.get_running_loop().time()
        with pytest.raises(RequestTimeout):
            await send_request(origin, timeout_s=0.1, repeatable=True)
        assert asyncio.get_running_loop().time() - began < 1
        assert server.opened == 2
