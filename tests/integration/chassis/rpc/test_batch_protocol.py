"""Batches: simultaneous reads of one caller share a request, and are independent otherwise."""

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
from services.chassis.telemetry import tracing
from services.contracts.values import Refusal
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


def words(results: list[Any]) -> list[str]:
    return [one.word for one in results]


async def test_simultaneous_reads_share_a_batch(echo_fixture: EchoFixture) -> None:
    echo = echo_fixture.echo()
    results = await asyncio.gather(*(echo.say(word) for word in "abc"), echo_fixture.echo().say("d"))
    assert words(results) == ["a", "b", "c", "d"]
    assert {one.to for one in results if isinstance(one, Said)} == {"Mirja"}
    assert echo_fixture.state.requests == ["/rpc"]  # and its caller was found once


async def test_a_single_read_is_not_a_batch(echo_fixture: EchoFixture) -> None:
    assert isinstance(await echo_fixture.echo().say("a"), Said)
    await echo_fixture.echo().say("b")
    assert echo_fixture.state.requests == ["/rpc/say", "/rpc/say"]


async def test_calls_of_a_batch_run_concurrently(echo_fixture: EchoFixture) -> None:
    echo = echo_fixture.echo()
    assert list(await asyncio.gather(echo.meet(), echo.meet(), echo.meet())) == [3, 3, 3]
    assert echo_fixture.state.requests == ["/rpc"]


async def test_a_failed_call_does_not_affect_the_others(echo_fixture: EchoFixture) -> None:
    echo = echo_fixture.echo()
    done = await asyncio.gather(
        *(echo.say(word) for word in ("a", "forbidden", "", "early", "broken", "b")),
        echo.say(5),  # type: ignore[arg-type]
        return_exceptions=True,
    )
    assert isinstance(done[2], Refusal)
    failures = [(one.status, one.code, one.path) for one in done if isinstance(one, CallFailed)]
    assert failures == [
        (403, "FORBIDDEN", []),
        (503, "NOT_READY_YET", []),
        (500, "UNEXPECTED", []),
        (400, "MALFORMED", ["word"]),
    ]
    assert words([done[0], done[5]]) == ["a", "b"]
    assert echo_fixture.state.requests == ["/rpc"]


async def test_callers_never_share_a_batch(echo_fixture: EchoFixture) -> None:
    results = await asyncio.gather(
        *(echo_fixture.echo(caller).say(caller) for caller in ("Mirja", "Olli", "Mirja", "Olli"))
    )
    assert [(one.word, one.to) for one in results if isinstance(one, Said)] == [
        (name, name) for name in ("Mirja", "Olli", "Mirja", "Olli")
    ]
    assert echo_fixture.state.requests == ["/rpc", "/rpc"]


async def test_languages_never_share_a_batch(echo_fixture: EchoFixture) -> None:
    headers = [{"Authorization": "Mirja", "Accept-Language": language} for language in ("fi", "sv")]
    await asyncio.gather(*(client(EchoContract, echo_fixture.service, one).say("a") for one in headers))
    assert echo_fixture.state.requests == ["/rpc/say", "/rpc/say"]


async def test_traces_never_share_a_batch(echo_fixture: EchoFixture) -> None:
    async def in_trace(trace: str) -> Any:
        with tracing.trace(f"00-{trace}-{'1' * 16}-01"):
            return await echo_fixture.echo().say("a")

    traces = ["a" * 32, "b" * 32]
    results = await asyncio.gather(*(in_trace(trace) for trace in traces), *(in_trace(trace) for trace in traces))
    assert [one.trace for one in results] == traces * 2
    assert echo_fixture.state.requests == ["/rpc", "/rpc"]


async def test_services_never_share_a_batch(echo_fixture: EchoFixture) -> None:
    async with Origin(echo_fixture.url) as origin:
        other = client(EchoContract, ServiceChannel("other", origin), {"Authorization": "Mirja"})
        await asyncio.gather(echo_fixture.echo().say("a"), other.say("b"))
    assert echo_fixture.state.requests == ["/rpc/say", "/rpc/say"]


async def test_writes_and_public_reads_are_never_batched(echo_fixture: EchoFixture) -> None:
    echo = echo_fixture.echo()
    _, noted, greeted, *_ = await asyncio.gather(
        echo.say("a"), echo.note("b"), echo.greet(), echo.say("c"), echo.note("d"), echo.greet()
    )
    assert (noted, greeted) == ("b", "anonymous")
    assert sorted(echo_fixture.state.requests) == ["/rpc", "/rpc/greet", "/rpc/greet", "/rpc/note", "/rpc/note"]


async def test_a_batch_has_a_maximum_of_calls(echo_fixture: EchoFixture) -> None:
    echo = echo_fixture.echo()
    many = [str(number) for number in range(2 * MAX_CALLS + 1)]
    assert words(await asyncio.gather(*(echo.say(word) for word in many))) == many
    assert sorted(echo_fixture.state.requests) == ["/rpc", "/rpc", "/rpc/say"]


async def test_large_arguments_do_not_make_a_batch_too_large(echo_fixture: EchoFixture) -> None:
    echo = echo_fixture.echo()
    results = await asyncio.gather(*(echo.say("x" * 600_000 + str(number)) for number in range(9)))
    assert [word[-1] for word in words(results)] == [str(number) for number in range(9)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "truncated"),
        (b"{}", "array"),
        (b"[]", "length >= 1"),
        (b'[["say"]]', "length 2"),
        (b"[" + b'["say",{"word":"a"}],' * MAX_CALLS + b'["say",{"word":"a"}]]', f"length <= {MAX_CALLS}"),
        (b"x" * 2_000_001, "at most 2000000 bytes"),
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
    echo = echo_fixture.echo()
    await asyncio.gather(echo.say("a"), echo.say("b"), echo.say("forbidden"), return_exceptions=True)
    assert [count(*one) - was for one, was in zip(watched, before, strict=True)] == [2, 1, 0, 0]
    unauthenticated = client(EchoContract, echo_fixture.service, {})
    await asyncio.gather(unauthenticated.say("a"), unauthenticated.say("b"), return_exceptions=True)
    assert [count(*one) - was for one, was in zip(watched, before, strict=True)] == [2, 1, 0, 1]


async def test_without_a_token_each_call_is_unauthenticated(echo_fixture: EchoFixture) -> None:
    echo = client(EchoContract, echo_fixture.service, {})
    done = await asyncio.gather(*(echo.say(word) for word in "abc"), return_exceptions=True)
    assert [(one.status, one.code) for one in done if isinstance(one, CallFailed)] == [(401, "UNAUTHENTICATED")] * 3
    assert len({id(one) for one in done}) == 3
    assert echo_fixture.state.requests == ["/rpc"]


async def test_an_unavailable_service_is_a_failure_of_each_call() -> None:
    async with Origin("http://127.0.0.1:9") as origin:
        echo = client(EchoContract, ServiceChannel("echo", origin), {})
        done = await asyncio.gather(*(echo.say(word) for word in "abc"), return_exceptions=True)
    assert [(one.status, one.code) for one in done if isinstance(one, CallFailed)] == [(503, "UNAVAILABLE")] * 3
    assert len({id(one) for one in done}) == 3


@pytest.mark.parametrize("goes", [0, 1, 2])
async def test_a_cancelled_call_does_not_affect_the_others(echo_fixture: EchoFixture, goes: int) -> None:
    """Cancel any call of a batch, the first one too, in each iteration of the loop."""
    for turns in range(6):
        tasks = [asyncio.ensure_future(echo_fixture.echo().say(word)) for word in "abc"]
        for _ in range(turns):
            await asyncio.sleep(0)
        tasks[goes].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(done.pop(goes), asyncio.CancelledError)
        assert words(done) == [word for place, word in enumerate("abc") if place != goes]
    assert set(echo_fixture.state.requests) == {"/rpc"}


async def test_a_call_left_over_by_cancellation_is_not_a_batch(echo_fixture: EchoFixture) -> None:
    tasks = [asyncio.ensure_future(echo_fixture.echo().say(word)) for word in "ab"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    assert words([await tasks[0]]) == ["a"]
    assert echo_fixture.state.requests == ["/rpc/say"]


async def test_the_request_is_cancelled_with_its_last_call() -> None:
    received = asyncio.Event()
    async with run_script(silent_server(received)) as server, Origin(server.url) as origin:
        echo = client(EchoContract, ServiceChannel("echo", origin), {})
        tasks = [asyncio.ensure_future(echo.say(word)) for word in "abc"]
        await received.wait()
        for task in tasks[:2]:
            task.cancel()
        await asyncio.wait(tasks[:2])
        assert server.open == 1
        assert not server.playing[0].done()
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.playing[0]


async def test_a_lost_batch_is_retried_once() -> None:
    async def takes(peer: Peer) -> None:
        await peer.request()

    body = msgspec.json.encode([(200, Said(word="a", to="", trace=None)), (403, {"code": "FORBIDDEN"})])
    async with run_script(takes, canned_server(body)) as server, Origin(server.url) as origin:
        echo = client(EchoContract, ServiceChannel("echo", origin), {})
        first, second = await asyncio.gather(echo.say("a"), echo.say("b"), return_exceptions=True)
        assert words([first]) == ["a"]
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


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b"[[200,1]]", b"[[200,1],[200,1],[200,1]]", b'[["a",1],[200,1]]'])
async def test_a_malformed_response_is_a_failure_of_each_call(body: bytes) -> None:
    async with run_script(canned_server(body)) as server, Origin(server.url) as origin:
        echo = client(EchoContract, ServiceChannel("echo", origin), {})
        done = await asyncio.gather(echo.say("a"), echo.say("b"), return_exceptions=True)
    assert [one.status for one in done if isinstance(one, CallFailed)] == [502, 502]


async def test_calls_time_out() -> None:
    async with run_script(silent_server(asyncio.Event())) as server, Origin(server.url) as origin:
        echo = client(EchoContract, ServiceChannel("echo", origin, read_s=0.05, write_s=0.05), {})
        done = await asyncio.gather(echo.say("a"), echo.say("b"), echo.note("c"), return_exceptions=True)
    assert [(one.status, one.code) for one in done if isinstance(one, CallFailed)] == [(504, "TIMED_OUT")] * 3


async def test_a_header_with_two_lines_is_refused(echo_fixture: EchoFixture) -> None:
    with pytest.raises(ValueError, match="Authorization"):
        echo_fixture.echo("Mirja\r\nX-Forwarded-For: 192.0.2.1")
