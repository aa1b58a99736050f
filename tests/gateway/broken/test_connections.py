"""Connections that are not used as they are meant: requests heaped up, letter by letter, by half, and gone."""

import asyncio
import contextlib

import pytest

from tests.gateway.broken.bodies import GOOD
from tests.gateway.broken.verdict import wrong
from tests.gateway.broken.wire import WITHIN_S, answers, connected, http, post
from tests.gateway.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

HALVES = [
    b"",
    b"P",
    b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-",
    http("POST", "/graphql", "Content-Type: application/json", "Content-Length: 500", body=b'{"query": "{'),
    http("POST", "/graphql", "Content-Type: application/json", "Transfer-Encoding: chunked", body=b"5\r\n{"),
]


async def _is_well(house: House) -> None:
    async with asyncio.timeout(WITHIN_S):
        assert (await house.ask("{ me { username } }", house.user()))["data"] == {"me": {"username": "maija"}}


async def test_broken_and_good_requests_in_one_packet(house: House) -> None:
    """Each is answered, in its order."""
    good, broken, not_allowed = post(GOOD), post(b"null"), http("DELETE", "/graphql", "Content-Length: 0")
    found = await answers(house.url, [(good + broken + not_allowed) * 20], wanted=60)
    assert [one.status for one in found] == [200, 400, 405] * 20
    assert not any(wrong(one, of=good) for one in found)


async def test_letters_one_by_one(house: House) -> None:
    (found,) = await answers(house.url, [bytes([letter]) for letter in post(GOOD)])
    assert not wrong(found, of=post(GOOD), expected={200})


async def test_halves_of_requests_keep_nobody_waiting(house: House) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for half in HALVES * 40:
            _, writer = await stack.enter_async_context(connected(house.url))
            writer.write(half)
        await _is_well(house)
    await _is_well(house)


async def test_who_leaves_before_the_answer(house: House) -> None:
    for _ in range(100):
        async with connected(house.url) as (_, writer):
            writer.write(post(GOOD))
            writer.transport.abort()
    await _is_well(house)


async def test_who_never_reads(house: House) -> None:
    """What is asked is not even taken any more, once answers lie unread."""
    async with connected(house.url) as (_, writer):
        writer.write(post(GOOD) * 20_000)
        await _is_well(house)
