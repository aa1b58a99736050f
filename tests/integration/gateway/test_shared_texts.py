"""Registered documents in a real Valkey: shared, bounded, and never waited for long."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import redis.asyncio
from structlog.testing import capture_logs

from gateway.persisted import ids
from gateway.persisted.automatic import AutomaticDocuments
from gateway.persisted.shared_texts import AGAIN_S, KEPT, LARGEST, PLACES, WAIT_S, SharedTexts, shared_texts
from tests.support.servers import Servers, free_port_base
from tests.support.valkey import Valkey
from tests.support.wait import until

T = TypeVar("T")

LONGEST_WAIT_S = 10.0
"""50 ms, and what a busy machine adds to it: who waits for Redis itself waits for ever."""
PATIENT_S = 20.0
"""Where it is about what is kept: a busy machine is not Redis being away."""


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    made = Valkey(tmp_path, free_port_base())
    yield made
    made.kill()


@pytest.fixture
async def texts(server_addresses: Servers) -> AsyncIterator[SharedTexts]:
    async with shared_texts(server_addresses.redis_url, PATIENT_S) as texts:
        yield texts


def text_of(number: int) -> str:
    return f"query Number{number} {{ me {{ id }} }} # {time.time_ns()}"


async def waited(asked: Awaitable[object]) -> float:
    """How long its answer took, in seconds."""
    began = time.monotonic()
    await asked
    return time.monotonic() - began


async def quickly(asked: Awaitable[T]) -> T:
    began = time.monotonic()
    answer = await asked
    assert time.monotonic() - began < LONGEST_WAIT_S
    return answer


async def test_what_one_gateway_was_told_the_others_know(texts: SharedTexts) -> None:
    one, other = AutomaticDocuments(texts), AutomaticDocuments(texts)
    text = text_of(0)
    assert await other.elsewhere(ids.hash_of(text)) is None
    one.keep(text)
    assert one.at_hand(ids.hash_of(text)) == text
    assert other.at_hand(ids.hash_of(text)) is None
    await until(lambda: other.elsewhere(ids.hash_of(text)), lambda found: found == text)
    assert other.at_hand(ids.hash_of(text)) == text


async def test_every_letter_comes_back(texts: SharedTexts) -> None:
    text = 'query { a(b: "ä ☃ 😀 \\u0000") }'
    await texts.keep(ids.hash_of(text), text)
    assert await texts.find(ids.hash_of(text)) == text


async def test_it_stays_for_a_day_from_when_it_was_last_asked_for(valkey: Valkey) -> None:
    valkey.start()
    text = text_of(1)
    digest = ids.hash_of(text)
    async with shared_texts(valkey.url, PATIENT_S) as texts, redis.asyncio.Redis.from_url(valkey.url) as client:
        await texts.keep(digest, text)
        [key] = await client.keys("kierto:document:*")
        assert 0 < await client.ttl(key) <= KEPT.total_seconds()
        await client.expire(key, 10)
        assert await texts.find(digest) == text
        assert await client.ttl(key) > 10
        await client.set(key, "{ another }")
        assert await texts.find(digest) is None
        await client.set(key, b"\xff\xfe")
        assert await texts.find(digest) is None


async def test_strangers_can_not_fill_it(valkey: Valkey) -> None:
    valkey.start()
    async with shared_texts(valkey.url, PATIENT_S) as texts, redis.asyncio.Redis.from_url(valkey.url) as client:
        await texts.keep(ids.hash_of("x" * LARGEST), "x" * LARGEST)
        assert await client.dbsize() == 1
        await texts.keep(ids.hash_of("ä" * LARGEST), "ä" * LARGEST)
        assert await client.dbsize() == 1
        for number in range(PLACES * 3):
            text = text_of(number)
            await texts.keep(ids.hash_of(text), text)
        assert PLACES // 2 < await client.dbsize() <= PLACES


async def test_a_burst_is_kept_here_and_shared_as_far_as_it_goes(texts: SharedTexts) -> None:
    documents = AutomaticDocuments(texts)
    burst = [text_of(number) for number in range(500)]
    for text in burst:
        documents.keep(text)
    assert all(documents.at_hand(ids.hash_of(text)) == text for text in burst)
    assert len(asyncio.all_tasks()) < 50
    await texts.settle()
    assert len(asyncio.all_tasks()) == 1
    shared = [text for text in burst if await texts.find(ids.hash_of(text))]
    assert 16 < len(shared) <= 32, "of the 32 that were written, few were pushed out by one another"


async def test_what_has_no_form_of_a_hash_is_not_asked_for(texts: SharedTexts) -> None:
    assert await AutomaticDocuments(texts).elsewhere("*") is None
    assert await AutomaticDocuments(texts).elsewhere("Z" * 64) is None


async def test_redis_that_never_was_there(valkey: Valkey) -> None:
    text = text_of(2)
    async with shared_texts(valkey.url) as texts:
        documents = AutomaticDocuments(texts)
        documents.keep(text)
        assert documents.at_hand(ids.hash_of(text)) == text
        assert await quickly(documents.elsewhere(ids.hash_of("{ other }"))) is None
        await quickly(texts.keep(ids.hash_of(text), text))
        valkey.start()
        await _works_again(texts)


async def test_redis_stands_still_and_goes_on(valkey: Valkey) -> None:
    """Many times, so that every connection of the pool was broken off in the middle of an answer."""
    valkey.start()
    text = text_of(3)
    digest = ids.hash_of(text)
    async with shared_texts(valkey.url) as texts:
        for _ in range(3):
            await _works_again(texts)
            await texts.keep(digest, text)
            await asyncio.gather(*(texts.find(digest) for _ in range(20)))
            valkey.pause()
            found = await quickly(asyncio.gather(*(texts.find(digest) for _ in range(20))))
            assert set(found) == {None}
            waits = [await waited(texts.find(digest)) for _ in range(5)]
            assert min(waits) < WAIT_S, "nobody asks while it is known to be away"
            valkey.go_on()
            began = time.monotonic()
            await until(lambda: texts.find(digest), lambda found: found == text)
            assert time.monotonic() - began < 20 * AGAIN_S


async def test_redis_is_killed_and_comes_back_empty(valkey: Valkey) -> None:
    valkey.start()
    text = text_of(4)
    digest = ids.hash_of(text)
    async with shared_texts(valkey.url) as texts:
        await texts.keep(digest, text)
        valkey.kill()
        assert await quickly(texts.find(digest)) is None
        await quickly(texts.keep(digest, text))
        valkey.start()
        await _works_again(texts)
        assert await texts.find(digest) is None


async def test_it_is_said_once_that_redis_is_away_and_once_that_it_is_back(valkey: Valkey) -> None:
    events: list[str] = []

    async def said(number: int) -> None:
        async def asked() -> int:
            await asyncio.gather(*(texts.find(ids.hash_of("{ a }")) for _ in range(5)))
            events.extend(one["event"] for one in logs)
            logs.clear()
            return len(events)

        await until(asked, lambda count: count >= number)

    async with shared_texts(valkey.url) as texts:
        with capture_logs() as logs:
            await said(1)
            valkey.start()
            await said(2)
            await _works_again(texts)
    assert events == ["redis is away: documents are not shared", "redis is back: documents are shared"]


async def test_a_full_redis_is_no_error(valkey: Valkey) -> None:
    valkey.start()
    text = text_of(5)
    async with shared_texts(valkey.url, PATIENT_S) as texts, redis.asyncio.Redis.from_url(valkey.url) as client:
        await client.config_set("maxmemory-policy", "noeviction")
        await client.config_set("maxmemory", "1")
        await texts.keep(ids.hash_of(text), text)
        await client.config_set("maxmemory", "0")
        await _works_again(texts)


async def _works_again(texts: SharedTexts) -> None:
    text = text_of(99)

    async def kept() -> str | None:
        await texts.keep(ids.hash_of(text), text)
        return await texts.find(ids.hash_of(text))

    await until(kept, lambda found: found == text)
