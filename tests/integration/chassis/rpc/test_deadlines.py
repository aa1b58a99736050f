"""Deadlines of calls: they end with the caller's time, and their work in the service and its database with them."""

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest
from starlette.requests import Request

from services.chassis.http.client.origin import Origin
from services.chassis.rpc.channel import CallFailed, ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.rpc.server import routes
from services.chassis.runtime import deadline
from tests.integration.chassis.http.client.scripted_server import Peer, run_script
from tests.integration.chassis.rpc.counter_service import CounterContract, client_of, run_counter
from tests.integration.chassis.rpc.echo_service import EchoContract, EchoImplementation, silent_server
from tests.support.alpha import Alpha
from tests.support.http_server import serve_routes
from tests.support.permit import PermitAll
from tests.support.polling import until

_RUNNING_QUERIES = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%pg_sleep%' AND state <> 'idle' AND pid <> pg_backend_pid()
"""


@pytest.fixture
async def service(alpha: Alpha) -> AsyncIterator[ServiceChannel]:
    async with run_counter(alpha) as url, client_of(url) as made:
        yield made


@pytest.fixture
def counter(service: ServiceChannel) -> CounterContract:
    return client(CounterContract, service, {})


async def await_no_queries(alpha: Alpha) -> bool:
    return bool(await alpha.pool.fetchval(_RUNNING_QUERIES) == 0)


async def test_a_service_gets_the_remaining_time_less_a_margin(counter: CounterContract) -> None:
    with deadline.within(2):
        assert 1.5 < (await counter.left() or 0) < 1.96


async def test_without_a_deadline_a_service_gets_the_timeout_of_a_call(counter: CounterContract) -> None:
    assert 2 < (await counter.left() or 0) < 2.96


async def test_calls_of_the_service_inherit_the_deadline(alpha: Alpha, service: ServiceChannel) -> None:
    async with run_counter(alpha, neighbour=service) as url, client_of(url) as first:
        with deadline.within(2):
            left = await client(CounterContract, first, {}).left_of_neighbour()
    assert 1 < (left or 0) < 1.8  # 0.1 was used up on the way, and twice a little kept back


async def test_a_late_call_is_cancelled_in_the_database_too(alpha: Alpha, counter: CounterContract) -> None:
    began = time.monotonic()
    with deadline.within(0.3), pytest.raises(CallFailed) as caught:
        await counter.rest(30)
    assert caught.value.status == 504  # from the service, or from the client on a busy machine
    assert time.monotonic() - began < 20  # not the 30 of its rest
    await until(lambda: await_no_queries(alpha))
    assert await asyncio.gather(*(counter.rest(0) for _ in range(10))) == [True] * 10  # no connection was spoilt


async def test_many_late_calls_leave_nothing_behind(alpha: Alpha, counter: CounterContract) -> None:
    """More calls than connections to the database: waiting ones end, too."""
    began = time.monotonic()
    with deadline.within(0.3):
        done = await asyncio.gather(
            *(counter.rest(30) for _ in range(20)),
            *(counter.add_slowly(number, 30) for number in range(20)),
            return_exceptions=True,
        )
    assert {one.status for one in done if isinstance(one, CallFailed)} == {504}
    assert time.monotonic() - began < 20
    await until(lambda: await_no_queries(alpha))
    assert await counter.numbers() == []


async def test_a_late_write_is_rolled_back(alpha: Alpha, counter: CounterContract) -> None:
    with deadline.within(0.3), pytest.raises(CallFailed) as caught:
        await counter.add_slowly(1, 30)
    assert caught.value.status == 504
    await until(lambda: await_no_queries(alpha))
    assert (await counter.numbers(), await alpha.pool.fetchval("SELECT count(*) FROM chassis.outbox")) == ([], 0)
    assert await counter.add_slowly(2, 0) == 2
    assert (await counter.numbers(), await alpha.pool.fetchval("SELECT count(*) FROM chassis.outbox")) == ([2], 1)


async def test_a_late_call_does_not_affect_its_batch(counter: CounterContract) -> None:
    with deadline.within(0.5):
        quick, slow = await asyncio.gather(counter.numbers(), counter.rest(30), return_exceptions=True)
    assert quick == []
    assert isinstance(slow, CallFailed)
    assert (slow.status, slow.code) == (504, "DEADLINE_EXCEEDED")


async def test_authentication_has_the_same_deadline() -> None:
    async def never(_: Request) -> EchoImplementation:
        await asyncio.Event().wait()
        raise AssertionError("the event never comes")

    made = routes(EchoContract, lambda one: one, never, never, PermitAll())
    async with serve_routes(made) as url, client_of(url) as service:
        echo = client(EchoContract, service, {})
        with deadline.within(0.2):
            done = await asyncio.gather(echo.say("a"), echo.say("b"), echo.note("c"), return_exceptions=True)
    assert [(one.status, one.code) for one in done if isinstance(one, CallFailed)] == [(504, "DEADLINE_EXCEEDED")] * 3


async def test_reads_with_different_deadlines_never_share_a_batch() -> None:
    paths: list[bytes] = []

    async def writes_down(peer: Peer) -> None:
        paths.append((await peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")).split(b" ")[1])

    async def with_deadline(seconds: float, echo: EchoContract) -> None:
        with deadline.within(seconds), pytest.raises(msgspec.ValidationError):
            await echo.say("a")

    async with run_script(writes_down) as server, Origin(server.url) as origin:
        echo = client(EchoContract, ServiceChannel("echo", origin), {})
        await asyncio.gather(with_deadline(1, echo), with_deadline(2, echo))
    assert paths == [b"/rpc/say", b"/rpc/say"]


@pytest.mark.parametrize("operation", ["say", "note"])
async def test_an_unresponsive_service_times_out_at_the_deadline(operation: str) -> None:
    async with run_script(silent_server(asyncio.Event())) as server, Origin(server.url) as origin:
        echo = client(EchoContract, ServiceChannel("echo", origin), {})
        began = time.monotonic()
        with deadline.within(0.1), pytest.raises(CallFailed) as caught:
            await getattr(echo, operation)("a")
        assert (caught.value.status, caught.value.code) == (504, "TIMED_OUT")
        assert time.monotonic() - began < 20


async def test_without_remaining_time_no_request_is_sent() -> None:
    async with run_script(silent_server(asyncio.Event())) as server, Origin(server.url) as origin:
        echo = client(EchoContract, ServiceChannel("echo", origin), {})
        with deadline.within(0.01):
            done = await asyncio.gather(echo.say("a"), echo.say("b"), echo.note("c"), return_exceptions=True)
        assert [(one.status, one.code) for one in done if isinstance(one, CallFailed)] == [
            (504, "DEADLINE_EXCEEDED")
        ] * 3
        assert server.opened == 0


async def test_a_malformed_deadline_field_is_ignored(alpha: Alpha) -> None:
    async with run_counter(alpha) as url, aiohttp.ClientSession() as session:
        for nonsense in ("soon", "-1", "", "1e3", "9" * 30):
            headers = {deadline.HEADER: nonsense}
            async with session.post(f"{url}/rpc/left", json={}, headers=headers) as response:
                assert (response.status, await response.text()) == (200, "null")


async def test_the_response_to_a_late_call_is_a_problem(alpha: Alpha) -> None:
    async with run_counter(alpha) as url, aiohttp.ClientSession() as session:
        headers = {deadline.HEADER: "50"}
        async with session.post(f"{url}/rpc/addSlowly", json={"number": 1, "seconds": 30}, headers=headers) as response:
            problem = msgspec.json.decode(await response.read())
    assert (response.status, response.content_type) == (504, "application/problem+json")
    assert problem["code"] == "DEADLINE_EXCEEDED"
    assert "as a whole or not at all" in problem["detail"]
