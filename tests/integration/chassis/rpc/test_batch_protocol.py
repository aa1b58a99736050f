"""Batches: several reads of one caller in one request, independent otherwise."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from services.chassis.http.client.origin import Origin
from services.chassis.rpc.batch_protocol import MAX_CALLS, PATH
from services.chassis.rpc.channel import CallFailed, ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.rpc.deferred_call import DeferredCall
from services.chassis.rpc.raw_result import raw_client
from tests.integration.chassis.http.client.scripted_server import Peer, run_script
from tests.integration.chassis.rpc.echo_service import (
    MIRJA,
    EchoContract,
    EchoFixture,
    Said,
    canned_server,
    run_echo,
    silent_server,
)


@pytest.fixture
async def echo_fixture() -> AsyncIterator[EchoFixture]:
    async with run_echo() as made:
        yield made


async def send_batch(*reads: Any) -> list[Any]:
    """Send deferred reads as a batch; return each result, decoded, or failure."""
    outcomes: list[Any] = list(await DeferredCall.await_batch(reads))
    return [one if isinstance(one, CallFailed) else one.decoded() for one in outcomes]


async def test_calls_of_a_batch_run_concurrently(echo_fixture: EchoFixture) -> None:
    echo: Any = raw_client(echo_fixture.echo())
    assert await send_batch(echo.meet(), echo.meet(), echo.meet()) == [3, 3, 3]
    assert echo_fixture.state.requests == ["/rpc"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "truncated"),
        (b"{}", "array"),
        (b"[]", "length >= 1"),
        (b'[["say"]]', "length 2"),
        (b"[" + b'["say",{"word":"a"}],' * MAX_CALLS + b'["say",{"word":"a"}]]', f"length <= {MAX_CALLS}"),
        (b"x" * 2_000_001, "2000000"),
    ],
)
async def test_an_invalid_batch_is_malformed(echo_fixture: EchoFixture, body: bytes, expected: str) -> None:
    status, answer = await echo_fixture.service.post(PATH, body, MIRJA, repeatable=False)
    problem = msgspec.json.decode(answer)
    assert (status, problem["code"]) == (400, "MALFORMED")
    assert expected in " ".join(problem["params"].values())


async def test_a_batch_accepts_only_reads_with_a_caller(echo_fixture: EchoFixture) -> None:
    calls = [["note", {"word": "a"}], ["greet", {}], ["nothing", {}], ["say", {"word": "b"}], ["say", 7]]
    status, answer = await echo_fixture.service.post(PATH, msgspec.json.encode(calls), MIRJA, repeatable=False)
    assert status == 200
    answers = msgspec.json.decode(answer)
    assert [(each, body.get("code", body.get("word"))) for each, body in answers] == [
        (400, "MALFORMED"),
        (400, "MALFORMED"),
        (400, "MALFORMED"),
        (200, "b"),
        (400, "MALFORMED"),
    ]


async def test_each_call_has_its_own_metric(echo_fixture: EchoFixture) -> None:
    def count(operation: str, outcome: str) -> float:
        labels = {"operation": operation, "outcome": outcome}
        return REGISTRY.get_sample_value("kierto_request_seconds_count", labels) or 0.0

    watched = [("say", "2xx"), ("say", "4xx"), ("roundTrip", "2xx"), ("roundTrip", "4xx")]
    before = [count(*one) for one in watched]
    echo = raw_client(echo_fixture.echo())
    await send_batch(echo.say("a"), echo.say("b"), echo.say("forbidden"))
    assert [count(*one) - was for one, was in zip(watched, before, strict=True)] == [2, 1, 0, 0]
    unauthenticated = raw_client(client(EchoContract, echo_fixture.service, {}))
    await send_batch(unauthenticated.say("a"), unauthenticated.say("b"))
    assert [count(*one) - was for one, was in zip(watched, before, strict=True)] == [2, 1, 0, 1]


async def test_without_a_token_each_call_is_unauthenticated(echo_fixture: EchoFixture) -> None:
    echo = raw_client(client(EchoContract, echo_fixture.service, {}))
    done = await send_batch(*(echo.say(word) for word in "abc"))
    assert [(one.status, one.code) for one in done if isinstance(one, CallFailed)] == [(401, "UNAUTHENTICATED")] * 3
    assert len({id(one) for one in done}) == 3
    assert echo_fixture.state.requests == ["/rpc"]


async def test_a_lost_batch_is_retried_once() -> None:
    async def takes(peer: Peer) -> None:
        await peer.request()

    body = msgspec.json.encode([(200, Said(word="a", to="", trace=None)), (403, {"code": "FORBIDDEN"})])
    async with run_script(takes, canned_server(body)) as server, Origin(server.url) as origin:
        echo = raw_client(client(EchoContract, ServiceChannel("echo", origin), {}))
        first, second = await send_batch(echo.say("a"), echo.say("b"))
        assert first.word == "a"
        assert isinstance(second, CallFailed)
        assert second.status == 403
        assert server.opened == 2


async def test_a_write_is_never_retried() -> None:
    async def takes(peer: Peer) -> None:
        await peer.request()

    async with run_script(takes) as server, Origin(server.url) as origin:
        with pytest.raises(CallFailed):
            await client(EchoContract, ServiceChannel("echo", origin), {}).note("a")
        assert server.opened == 1


async def test_calls_time_out() -> None:
    async with run_script(silent_server(asyncio.Event())) as server, Origin(server.url) as origin:
        echo = raw_client(client(EchoContract, ServiceChannel("echo", origin, read_s=0.05, write_s=0.05), {}))
        batch, single, write = await asyncio.gather(
            send_batch(echo.say("a"), echo.say("b")), send_batch(echo.say("c")), send_batch(echo.note("d"))
        )
    assert [(one.status, one.code) for one in (*batch, *single, *write)] == [(504, "TIMED_OUT")] * 4


async def test_a_header_with_two_lines_is_refused(echo_fixture: EchoFixture) -> None:
    with pytest.raises(ValueError, match="Authorization"):
        echo_fixture.echo("Mirja\r\nX-Forwarded-For: 192.0.2.1")
