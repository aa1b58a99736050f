"""Reads that were not made yet are made together by whoever knows all of them: see `Reading.together`."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from services.chassis.http_client.origin import Origin
from services.chassis.rpc.client import client
from services.chassis.rpc.reading import Reading
from services.chassis.rpc.round_trip import MOST_CALLS
from services.chassis.rpc.service import CallFailed, Service
from services.chassis.rpc.undecoded import UndecodedTogether, undecoded
from tests.integration.chassis.echo import Echo, House, answering, open_house, silent
from tests.integration.chassis.http_client.scripted import scripted


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house() as made:
        yield made


def asked(house: House, *words: str, caller: str = "Mirja") -> list[Any]:
    """Reads that were not made yet: whoever passes answers on may have them made together."""
    reads = undecoded(house.echo(caller))
    return [reads.say(word) for word in words]


async def together(*readings: Any) -> list[Any]:
    """What each comes to."""
    return list(await Reading.together(readings))


def answered(outcomes: Iterable[Any]) -> list[Any]:
    """What each came to: what was said, or the code of its failure."""
    return [one.code if isinstance(one, CallFailed) else one.decoded().word for one in outcomes]


async def test_reads_that_are_made_together_share_a_round_trip(house: House) -> None:
    outcomes = await Reading.together(asked(house, *"abc"))
    assert answered(outcomes) == ["a", "b", "c"]
    assert house.hall.requests == ["/rpc"]


async def test_one_that_is_made_alone_needs_none(house: House) -> None:
    assert answered(await Reading.together(asked(house, "a"))) == ["a"]
    assert (await asked(house, "b")[0]).decoded().word == "b"
    assert house.hall.requests == ["/rpc/say", "/rpc/say"]


async def test_one_of_them_that_fails_leaves_the_others_alone(house: House) -> None:
    outcomes = await Reading.together(asked(house, "a", "forbidden", "early", "broken", "b"))
    assert answered(outcomes) == ["a", "FORBIDDEN", "NOT_READY_YET", "UNEXPECTED", "b"]
    assert house.hall.requests == ["/rpc"]


async def test_together_callers_services_and_public_reads_stay_apart(house: House) -> None:
    async with Origin(house.url) as origin:
        other = undecoded(client(Echo, Service("other", origin), {"Authorization": "Mirja"}))
        reads: list[Any] = [
            *asked(house, "a"),
            *asked(house, "b", caller="Olli"),
            other.say("c"),
            undecoded(house.echo()).greet(),
            *asked(house, "d"),
            undecoded(house.echo()).greet(),
        ]
        outcomes: Any = await Reading.together(reads)
    said = [one.decoded() for one in outcomes]
    assert [one if isinstance(one, str) else (one.word, one.to) for one in said] == [
        ("a", "Mirja"), ("b", "Olli"), ("c", "Mirja"), "a stranger", ("d", "Mirja"), "a stranger",
    ]  # fmt: skip
    requests = ["/rpc", "/rpc/greet", "/rpc/greet", "/rpc/say", "/rpc/say"]
    assert sorted(house.hall.requests) == requests, "only Mirja's two shared one"


async def test_together_a_round_trip_has_its_bounds(house: House) -> None:
    many = [str(number) for number in range(2 * MOST_CALLS + 1)]
    assert answered(await Reading.together(asked(house, *many))) == many
    assert sorted(house.hall.requests) == ["/rpc", "/rpc", "/rpc/say"]
    large = ["x" * 600_000 + str(number) for number in range(5)]
    assert answered(await Reading.together(asked(house, *large))) == large


async def test_together_they_hear_of_a_failure_of_the_whole() -> None:
    async with Origin("http://127.0.0.1:9") as origin:
        reads = undecoded(client(Echo, Service("echo", origin), {}))
        away: Any = await Reading.together([reads.say("a"), reads.say("b")])  # type: ignore[list-item]
    assert [(one.status, one.code) for one in away] == [(503, "UNAVAILABLE")] * 2
    assert away[0] is not away[1]


@pytest.mark.parametrize("body", [b"[]", b"{}", b"[[200,1]]", b"no JSON"])
async def test_what_is_no_answer_to_a_round_trip_is_a_failure_of_each(body: bytes) -> None:
    async with scripted(answering(body)) as server, Origin(server.url) as origin:
        reads = undecoded(client(Echo, Service("echo", origin), {}))
        outcomes: Any = await Reading.together([reads.say("a"), reads.say("b")])  # type: ignore[list-item]
    assert [(one.status, one.code) for one in outcomes] == [(502, "UNEXPECTED")] * 2


async def test_who_gives_up_cancels_the_request() -> None:
    reached = asyncio.Event()
    async with scripted(silent(reached)) as server, Origin(server.url) as origin:
        reads = undecoded(client(Echo, Service("echo", origin), {}))
        travelling = asyncio.ensure_future(Reading.together([reads.say("a"), reads.say("b")]))  # type: ignore[list-item]
        await reached.wait()
        travelling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await travelling
        await server.playing[0]


def room(house: House, *seats: int, selection: bytes = b'["roomName"]') -> Any:
    """A read of which only a part is read."""
    reading: Any = undecoded(house.echo()).rooms(list(seats))
    reading.pick(selection)
    return reading


def sent(outcome: Any) -> tuple[bytes, bool]:
    return bytes(outcome.json), outcome.picked


async def test_alone_only_what_is_read_is_sent(house: House) -> None:
    (outcome,) = await together(room(house, 3, 0))
    assert sent(outcome) == (b'[{"roomName":"the 3"},null]', True)
    assert house.hall.requests == ["/rpc/rooms"]


async def test_together_too(house: House) -> None:
    outcomes = await Reading.together([room(house, 1), *asked(house, "a"), room(house, 2, selection=b'["seats"]')])
    assert isinstance(outcomes, UndecodedTogether) and outcomes.picked == (True, False, True)
    first, said, last = outcomes
    assert sent(first) == (b'[{"roomName":"the 1"}]', True)
    assert answered([said]) == ["a"]
    assert sent(last) == (b'[{"seats":2}]', True)
    assert house.hall.requests == ["/rpc"]


@pytest.mark.parametrize("company", [0, 1])
@pytest.mark.parametrize(
    ("seats", "selection"),
    [
        (2**31, b'["roomName","seats"]'),
        (1, b'["nothing"]'),
        (1, b"no selection"),
        (1, b'["%b"]' % (b"x" * 10_000)),
    ],
)
async def test_what_cannot_be_picked_is_sent_whole(house: House, seats: int, selection: bytes, company: int) -> None:
    outcomes = await together(room(house, seats, selection=selection), *asked(house, *"a" * company))
    whole = b'[{"roomName":"the %d","seats":%d}]' % (seats, seats)
    assert sent(outcomes[0]) == (whole, False)
    assert outcomes[0].decoded()[0].seats == seats


async def test_a_service_that_picks_nothing_yet_is_understood() -> None:
    async with scripted(answering(b'[[200,[{"roomName":"a","seats":1}]],[200,[]]]')) as server:
        async with Origin(server.url) as origin:
            reads: Any = undecoded(client(Echo, Service("echo", origin), {}))
            several = [reads.rooms([1]), reads.rooms([])]
            for one in several:
                one.pick(b'["roomName"]')
            outcomes = await Reading.together(several)
        assert [sent(one) for one in outcomes] == [(b'[{"roomName":"a","seats":1}]', False), (b"[]", False)]
