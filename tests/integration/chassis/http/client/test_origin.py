"""Connection pool: its size, the order of waiting requests, and its close."""

import asyncio

import pytest

from services.chassis.http.client.errors import ConnectionLost, PoolExhausted
from services.chassis.http.client.origin import Origin
from tests.integration.chassis.http.client.scripted_server import (
    OK,
    Peer,
    echo_bodies,
    run_script,
    send_request,
    start_request,
)


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


async def test_there_are_never_more_connections_than_allowed() -> None:
    async with run_script(echo_bodies) as server, Origin(server.url, connections=3) as origin:
        answers = await asyncio.gather(*(send_request(origin, b"%d" % number) for number in range(60)))
        assert [answer.body for answer in answers] == [b"%d" % number for number in range(60)]
        assert (server.opened, server.most) == (3, 3)


async def test_waiting_requests_are_sent_in_their_order() -> None:
    requests: list[bytes] = []

    async def writes_down(peer: Peer) -> None:
        requests.extend([(await peer.answer())[-2:] for _ in range(20)])
        await peer.gone()

    async with run_script(writes_down) as server, Origin(server.url, connections=1) as origin:
        wanted = [b"%02d" % number for number in range(20)]
        await asyncio.gather(*(send_request(origin, body) for body in wanted))
        assert requests == wanted


async def test_a_new_request_does_not_overtake_a_waiting_one() -> None:
    """A request that arrives when a connection becomes free for a waiting one."""
    requests: list[bytes] = []

    async def writes_down(peer: Peer) -> None:
        requests.extend([(await peer.answer())[-1:] for _ in range(3)])
        await peer.gone()

    async with run_script(writes_down) as server, Origin(server.url, connections=1) as origin:
        first, second = start_request(origin, b"1"), start_request(origin, b"2")
        await first
        third = start_request(origin, b"3")
        await asyncio.gather(second, third)
        assert requests == [b"1", b"2", b"3"]


async def test_requests_beyond_the_queue_are_refused_at_once() -> None:
    async with run_script(silent) as server, Origin(server.url, connections=1, waiting=2) as origin:
        tasks = [start_request(origin) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(PoolExhausted) as caught:
            await send_request(origin)
        assert not caught.value.sent
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_lost_connection_frees_its_pool_slot() -> None:
    async def once(peer: Peer) -> None:
        await peer.request()

    async with run_script(once, once, echo_bodies) as server, Origin(server.url, connections=1) as origin:
        tasks = [start_request(origin, b"%d" % number) for number in range(4)]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in done[:2]] == [ConnectionLost, ConnectionLost]
        assert [getattr(one, "body", None) for one in done[2:]] == [b"2", b"3"]
        assert server.most == 1


async def test_a_connection_lost_before_a_waiter_uses_it_is_replaced() -> None:
    async def second_only(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    requests: list[bytes] = []

    async def writes_down(peer: Peer) -> None:
        requests.extend([(await peer.answer())[-1:] for _ in range(2)])
        await peer.gone()

    async with run_script(second_only, writes_down) as server, Origin(server.url, connections=1) as origin:
        first, second, third = (start_request(origin, b"%d" % number) for number in range(3))
        async with asyncio.timeout(60):
            while not (origin._pool.open and next(iter(origin._pool.open))._response):
                await asyncio.sleep(0)
        connection = next(iter(origin._pool.open))
        connection.data_received(OK)  # free: given to the second
        connection.close()  # and lost before the second can use it
        await asyncio.gather(first, second, third)
        assert requests == [b"1", b"2"]  # the second has kept its place in the queue
        assert server.opened == 2


async def test_close_ends_active_and_waiting_requests() -> None:
    async with run_script(silent) as server:
        origin = Origin(server.url, connections=2)
        tasks = [start_request(origin) for _ in range(4)]
        async with asyncio.timeout(60):
            while server.open < 2:
                await asyncio.sleep(0)
        await origin.close()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in done] == [ConnectionLost] * 4
        assert [one.sent for one in done if isinstance(one, ConnectionLost)] == [True, True, False, False]
        with pytest.raises(ConnectionLost) as caught:
            await send_request(origin, repeatable=True)
        assert not caught.value.sent
        assert not origin._pool.open


@pytest.mark.parametrize("iterations", range(5))
async def test_close_while_connecting(iterations: int) -> None:
    async with run_script(echo_bodies) as server:
        origin = Origin(server.url)
        task = start_request(origin)
        for _ in range(iterations):
            await asyncio.sleep(0)
        await origin.close()
        (done,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(done, ConnectionLost)
        assert not origin._pool.open


async def test_close_of_an_unused_origin() -> None:
    await Origin("http://127.0.0.1:9").close()
