"""Cancellation of requests: other requests are unaffected, and no bytes remain for the next one."""

import asyncio

import pytest

from services.chassis.http.client.connection import HttpConnection
from services.chassis.http.client.origin import Origin
from services.chassis.http.client.response import ClientResponse
from tests.integration.chassis.http.client.scripted_server import (
    OK,
    Peer,
    echo_bodies,
    run_script,
    send_request,
    start_request,
)
from tests.integration.chassis.http.client.test_timeouts import full_accept_queue


async def cancel(task: asyncio.Task[ClientResponse]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def busy_connection(origin: Origin) -> HttpConnection:
    """Return an origin's only connection once it carries a request."""
    async with asyncio.timeout(60):
        while not (origin._pool.open and next(iter(origin._pool.open))._response):
            await asyncio.sleep(0)
    return next(iter(origin._pool.open))


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


@pytest.mark.parametrize("iterations", range(6))
async def test_while_connecting(iterations: int) -> None:
    """Cancel in each of the first iterations of the loop: before the connection, during and after it."""
    async with run_script(echo_bodies) as server, Origin(server.url, connections=1) as origin:
        task = start_request(origin, b"never mind")
        for _ in range(iterations):
            await asyncio.sleep(0)
        await cancel(task)
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened <= 2


async def test_while_the_server_accepts_no_connection() -> None:
    with full_accept_queue() as url:
        async with Origin(url, connections=1) as origin:
            task = start_request(origin)
            for _ in range(5):
                await asyncio.sleep(0)
            await cancel(task)
            assert not origin._pool.open


@pytest.mark.parametrize("part", [b"", OK[:10], OK[:-1]])
async def test_while_the_response_is_awaited(part: bytes) -> None:
    sent = asyncio.Event()

    async def partly(peer: Peer) -> None:
        await peer.answer(part)
        sent.set()
        await peer.gone()

    async with run_script(partly, echo_bodies) as server, Origin(server.url, connections=1) as origin:
        task = start_request(origin)
        await sent.wait()
        await cancel(task)
        assert (await send_request(origin, b"mine")).body == b"mine"
        assert server.opened == 2


async def test_a_response_received_before_the_cancellation_leaves_the_connection_reusable() -> None:
    async def second_only(peer: Peer) -> None:
        await peer.request()
        await peer.answer()
        await peer.gone()

    async with run_script(second_only) as server, Origin(server.url) as origin:
        task = start_request(origin)
        connection = await busy_connection(origin)
        connection.data_received(OK)  # as the loop does, before the task wakes up
        task.cancel()
        another = start_request(origin)  # takes the connection before the first task wakes up
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await another).body == b"ok"
        assert server.opened == 1


async def test_while_waiting_for_a_connection() -> None:
    late = asyncio.Event()

    async def slowly(peer: Peer) -> None:
        await peer.request()
        await late.wait()
        await peer.send(OK)
        await echo_bodies(peer)

    async with run_script(slowly) as server, Origin(server.url, connections=1) as origin:
        tasks = [start_request(origin, b"%d" % number) for number in range(4)]
        await busy_connection(origin)
        await cancel(tasks[1])
        late.set()
        assert (await tasks[2]).body == b"2"
        assert (await tasks[3]).body == b"3"
        assert server.opened == 1


async def test_a_cancelled_waiter_passes_its_connection_to_the_next() -> None:
    async def silent_once(peer: Peer) -> None:
        await peer.request()
        await echo_bodies(peer)

    async with run_script(silent_once) as server, Origin(server.url, connections=1) as origin:
        tasks = [start_request(origin, b"%d" % number) for number in range(3)]
        connection = await busy_connection(origin)
        connection.data_received(OK)  # given to the second
        tasks[1].cancel()  # before it can use the connection
        assert (await tasks[2]).body == b"2"
        assert tasks[1].cancelled()
        assert (await tasks[0]).body == b"ok"
        assert server.opened == 1


async def test_a_cancelled_waiter_passes_its_pool_slot_to_the_next() -> None:
    async with run_script(silent, echo_bodies) as server, Origin(server.url, connections=1) as origin:
        tasks = [start_request(origin, b"%d" % number) for number in range(3)]
        await busy_connection(origin)
        tasks[0].cancel()
        async with asyncio.timeout(60):
            while len(origin._pool.waiting) > 1:
                await asyncio.sleep(0)
        tasks[1].cancel()  # the second has the first's slot, and has not started to connect
        assert (await tasks[2]).body == b"2"
        assert tasks[1].cancelled()


async def test_all_requests_cancelled_at_once() -> None:
    async with run_script(silent) as server, Origin(server.url, connections=5) as origin:
        tasks = [start_request(origin) for _ in range(50)]
        async with asyncio.timeout(60):
            while server.open < 5:
                await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
        assert not origin._pool.waiting
