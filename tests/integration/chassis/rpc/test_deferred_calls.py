"""Deferred calls that are sent as a batch: see `DeferredCall.await_batch`."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from services.chassis.http.client.origin import Origin
from services.chassis.rpc.batch_protocol import MAX_CALLS
from services.chassis.rpc.channel import CallFailed, ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.rpc.deferred_call import DeferredCall
from services.chassis.rpc.raw_result import RawBatchResult, raw_client
from services.chassis.telemetry import tracing
from services.contracts.values import Refusal
from tests.integration.chassis.http.client.scripted_server import run_script
from tests.integration.chassis.rpc.echo_service import (
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


def defer_calls(echo_fixture: EchoFixture, *words: str, caller: str = "Mirja") -> list[Any]:
    """Return deferred calls of a raw client."""
    reads = raw_client(echo_fixture.echo(caller))
    return [reads.say(word) for word in words]


async def await_together(*readings: Any) -> list[Any]:
    """Send calls as a batch and return their outcomes."""
    return list(await DeferredCall.await_batch(readings))


def outcomes_of(outcomes: Iterable[Any]) -> list[Any]:
    """Return each outcome: the echoed text, or the code of its failure."""
    return [one.code if isinstance(one, CallFailed) else one.decoded().word for one in outcomes]


async def test_reads_awaited_together_share_a_batch(echo_fixture: EchoFixture) -> None:
    outcomes = await DeferredCall.await_batch(defer_calls(echo_fixture, *"abc"))
    assert outcomes_of(outcomes) == ["a", "b", "c"]
    assert echo_fixture.state.requests == ["/rpc"]


async def test_a_read_awaited_alone_is_not_a_batch(echo_fixture: EchoFixture) -> None:
    assert outcomes_of(await DeferredCall.await_batch(defer_calls(echo_fixture, "a"))) == ["a"]
    assert (await defer_calls(echo_fixture, "b")[0]).decoded().word == "b"
    assert echo_fixture.state.requests == ["/rpc/say", "/rpc/say"]


async def test_a_failed_call_does_not_affect_the_others(echo_fixture: EchoFixture) -> None:
    said: list[Any] = ["a", "forbidden", "early", "broken", 5, "", "b"]
    outcomes = await await_together(*defer_calls(echo_fixture, *said))
    assert isinstance(outcomes.pop(5).decoded(), Refusal)
    assert outcomes_of(outcomes) == ["a", "FORBIDDEN", "NOT_READY_YET", "UNEXPECTED", "MALFORMED", "b"]
    assert outcomes[4].path == ["word"]
    assert echo_fixture.state.requests == ["/rpc"]


async def test_the_calls_of_a_batch_have_its_trace(echo_fixture: EchoFixture) -> None:
    trace = "a" * 32
    with tracing.trace(f"00-{trace}-{'1' * 16}-01"):
        outcomes = await await_together(*defer_calls(echo_fixture, *"ab"))
    assert [one.decoded().trace for one in outcomes] == [trace, trace]


async def test_calls_awaited_apart_are_sent_singly(echo_fixture: EchoFixture) -> None:
    echo = echo_fixture.echo()
    assert [one.word for one in await asyncio.gather(echo.say("a"), echo.say("b")) if isinstance(one, Said)] == [
        "a",
        "b",
    ]
    assert echo_fixture.state.requests == ["/rpc/say", "/rpc/say"]


async def test_callers_services_and_public_reads_never_share_a_batch(echo_fixture: EchoFixture) -> None:
    async with Origin(echo_fixture.url) as origin:
        other = raw_client(client(EchoContract, ServiceChannel("other", origin), {"Authorization": "Mirja"}))
        reads: list[Any] = [
            *defer_calls(echo_fixture, "a"),
            *defer_calls(echo_fixture, "b", caller="Olli"),
            other.say("c"),
            raw_client(echo_fixture.echo()).greet(),
            *defer_calls(echo_fixture, "d"),
            raw_client(echo_fixture.echo()).greet(),
        ]
        outcomes: Any = await DeferredCall.await_batch(reads)
    results = [one.decoded() for one in outcomes]
    assert [one if isinstance(one, str) else (one.word, one.to) for one in results] == [
        ("a", "Mirja"), ("b", "Olli"), ("c", "Mirja"), "anonymous", ("d", "Mirja"), "anonymous",
    ]  # fmt: skip
    requests = ["/rpc", "/rpc/greet", "/rpc/greet", "/rpc/say", "/rpc/say"]
    assert sorted(echo_fixture.state.requests) == requests, "only Mirja's two shared one"


async def test_a_batch_has_its_maximum_sizes(echo_fixture: EchoFixture) -> None:
    many = [str(number) for number in range(2 * MAX_CALLS + 1)]
    assert outcomes_of(await DeferredCall.await_batch(defer_calls(echo_fixture, *many))) == many
    assert sorted(echo_fixture.state.requests) == ["/rpc", "/rpc", "/rpc/say"]
    large = ["x" * 600_000 + str(number) for number in range(5)]
    assert outcomes_of(await DeferredCall.await_batch(defer_calls(echo_fixture, *large))) == large


async def test_a_failed_batch_is_a_failure_of_each_call() -> None:
    async with Origin("http://127.0.0.1:9") as origin:
        reads = raw_client(client(EchoContract, ServiceChannel("echo", origin), {}))
        away: Any = await DeferredCall.await_batch([reads.say("a"), reads.say("b")])  # type: ignore[list-item]
    assert [(one.status, one.code) for one in away] == [(503, "UNAVAILABLE")] * 2
    assert away[0] is not away[1]


@pytest.mark.parametrize("body", [b"[]", b"{}", b"[[200,1]]", b"no JSON"])
async def test_a_malformed_response_is_a_failure_of_each_call(body: bytes) -> None:
    async with run_script(canned_server(body)) as server, Origin(server.url) as origin:
        reads = raw_client(client(EchoContract, ServiceChannel("echo", origin), {}))
        outcomes: Any = await DeferredCall.await_batch([reads.say("a"), reads.say("b")])  # type: ignore[list-item]
    assert [(one.status, one.code) for one in outcomes] == [(502, "UNEXPECTED")] * 2


async def test_cancelling_the_caller_cancels_the_request() -> None:
    reached = asyncio.Event()
    async with run_script(silent_server(reached)) as server, Origin(server.url) as origin:
        reads = raw_client(client(EchoContract, ServiceChannel("echo", origin), {}))
        batch = asyncio.ensure_future(DeferredCall.await_batch([reads.say("a"), reads.say("b")]))  # type: ignore[list-item]
        await reached.wait()
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
        await server.playing[0]


def deferred_room(echo_fixture: EchoFixture, *seats: int, selection: bytes = b'["roomName"]') -> Any:
    """Return a deferred call with a field selection."""
    reading: Any = raw_client(echo_fixture.echo()).rooms(list(seats))
    reading.select_fields(selection)
    return reading


def raw_result_of(outcome: Any) -> tuple[bytes, bool]:
    return bytes(outcome.json), outcome.partial


async def test_a_single_call_returns_only_the_selected_fields(echo_fixture: EchoFixture) -> None:
    (outcome,) = await await_together(deferred_room(echo_fixture, 3, 0))
    assert raw_result_of(outcome) == (b'[{"roomName":"the 3"},null]', True)
    assert echo_fixture.state.requests == ["/rpc/rooms"]


async def test_batched_calls_return_only_the_selected_fields(echo_fixture: EchoFixture) -> None:
    outcomes = await DeferredCall.await_batch(
        [
            deferred_room(echo_fixture, 1),
            *defer_calls(echo_fixture, "a"),
            deferred_room(echo_fixture, 2, selection=b'["seats"]'),
        ]
    )
    assert isinstance(outcomes, RawBatchResult) and outcomes.partial == (True, False, True)
    first, middle, last = outcomes
    assert raw_result_of(first) == (b'[{"roomName":"the 1"}]', True)
    assert outcomes_of([middle]) == ["a"]
    assert raw_result_of(last) == (b'[{"seats":2}]', True)
    assert echo_fixture.state.requests == ["/rpc"]


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize(
    ("seats", "selection"),
    [
        (2**31, b'["roomName","seats"]'),
        (1, b'["nothing"]'),
        (1, b"no selection"),
        (1, b'["%b"]' % (b"x" * 10_000)),
    ],
)
async def test_an_unsupported_selection_returns_the_whole_result(
    echo_fixture: EchoFixture, seats: int, selection: bytes, others: int
) -> None:
    outcomes = await await_together(
        deferred_room(echo_fixture, seats, selection=selection), *defer_calls(echo_fixture, *"a" * others)
    )
    whole = b'[{"roomName":"the %d","seats":%d}]' % (seats, seats)
    assert raw_result_of(outcomes[0]) == (whole, False)
    assert outcomes[0].decoded()[0].seats == seats


async def test_a_service_without_selections_is_understood() -> None:
    async with run_script(canned_server(b'[[200,[{"roomName":"a","seats":1}]],[200,[]]]')) as server:
        async with Origin(server.url) as origin:
            reads: Any = raw_client(client(EchoContract, ServiceChannel("echo", origin), {}))
            several = [reads.rooms([1]), reads.rooms([])]
            for one in several:
                one.select_fields(b'["roomName"]')
            outcomes = await DeferredCall.await_batch(several)
        assert [raw_result_of(one) for one in outcomes] == [(b'[{"roomName":"a","seats":1}]', False), (b"[]", False)]
