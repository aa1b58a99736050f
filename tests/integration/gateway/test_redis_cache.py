"""Registered documents in a real Valkey: shared, bounded, and never waited for long."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import redis.asyncio
from structlog.testing import capture_logs

from gateway.persisted_documents import ids
from gateway.persisted_documents.automatic_documents import AutomaticDocuments
from gateway.persisted_documents.redis_cache import (
    BACKOFF_S,
    MAX_BYTES,
    SLOTS,
    TIMEOUT_S,
    TTL,
    RedisCache,
    open_redis_cache,
)
from tests.support.polling import until
from tests.support.servers import Servers, free_port_base
from tests.support.valkey import ControlledValkey

T = TypeVar("T")

LONGEST_WAIT_S = 10.0
"""50 ms, and what a busy machine adds to it: who waits for Redis itself waits for ever."""
PATIENT_S = 20.0
"""Where it is about what is kept: a busy machine is not Redis being away."""


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ControlledValkey]:
    made = ControlledValkey(tmp_path, free_port_base())
    yield made
    made.kill()


@pytest.fixture
async def redis_cache(server_addresses: Servers) -> AsyncIterator[RedisCache]:
    async with open_redis_cache(server_addresses.redis_url, PATIENT_S) as texts:
        yield texts


def text_of(number: int) -> str:
    return f"query Number{number} {{ me {{ id }} }} # {time.time_ns()}"


async def time_of(asked: Awaitable[object]) -> float:
    """How long its answer took, in seconds."""
    began = time.monotonic()
    await asked
    return time.monotonic() - began


async def await_quickly(asked: Awaitable[T]) -> T:
    began = time.monotonic()
    answer = await asked
    assert time.monotonic() - began < LONGEST_WAIT_S
    return answer


async def test_what_one_gateway_was_told_the_others_know(redis_cache: RedisCache) -> None:
    one, other = AutomaticDocuments(redis_cache), AutomaticDocuments(redis_cache)
    text = text_of(0)
    assert await other.find_shared(ids.hash_of(text)) is None
    one.store(text)
    assert one.find_local(ids.hash_of(text)) == text
    assert other.find_local(ids.hash_of(text)) is None
    await until(lambda: other.find_shared(ids.hash_of(text)), lambda found: found == text)
    assert other.find_local(ids.hash_of(text)) == text


async def test_every_letter_comes_back(redis_cache: RedisCache) -> None:
    text = 'query { a(b: "ä ☃ 😀 \\u0000") }'
    await redis_cache.store(ids.hash_of(text), text)
    assert await redis_cache.find(ids.hash_of(text)) == text


async def test_it_stays_for_a_day_from_when_it_was_last_asked_for(valkey: ControlledValkey) -> None:
    valkey.start()
    text = text_of(1)
    digest = ids.hash_of(text)
    async with open_redis_cache(valkey.url, PATIENT_S) as texts, redis.asyncio.Redis.from_url(valkey.url) as client:
        await texts.store(digest, text)
        [key] = await client.keys("kierto:document:*")
        assert 0 < await client.ttl(key) <= TTL.total_seconds()
        await client.expire(key, 10)
        assert await texts.find(digest) == text
        assert await client.ttl(key) > 10
        await client.set(key, "{ another }")
        assert await texts.find(digest) is None
        await client.set(key, b"\xff\xfe")
        assert await texts.find(digest) is None


async def test_strangers_can_not_fill_it(valkey: ControlledValkey) -> None:
    valkey.start()
    async with open_redis_cache(valkey.url, PATIENT_S) as texts, redis.asyncio.Redis.from_url(valkey.url) as client:
        await texts.store(ids.hash_of("x" * MAX_BYTES), "x" * MAX_BYTES)
        assert await client.dbsize() == 1
        await texts.store(ids.hash_of("ä" * MAX_BYTES), "ä" * MAX_BYTES)
        assert await client.dbsize() == 1
        for number in range(SLOTS * 3):
            text = text_of(number)
            await texts.store(ids.hash_of(text), text)
        assert SLOTS // 2 < await client.dbsize() <= SLOTS


async def test_a_burst_is_kept_here_and_shared_as_far_as_it_goes(redis_cache: RedisCache) -> None:
    documents = AutomaticDocuments(redis_cache)
    burst = [text_of(number) for number in range(500)]
    for text in burst:
        documents.store(text)
    assert all(documents.find_local(ids.hash_of(text)) == text for text in burst)
    assert len(asyncio.all_tasks()) < 50
    await redis_cache.drain()
    assert len(asyncio.all_tasks()) == 1
    shared = [text for text in burst if await redis_cache.find(ids.hash_of(text))]
    assert 16 < len(shared) <= 32, "of the 32 that were written, few were pushed out by one another"


async def test_what_has_no_form_of_a_hash_is_not_asked_for(redis_cache: RedisCache) -> None:
    assert await AutomaticDocuments(redis_cache).find_shared("*") is None
    assert await AutomaticDocuments(redis_cache).find_shared("Z" * 64) is None


async def test_redis_that_never_was_there(valkey: ControlledValkey) -> None:
    text = text_of(2)
    async with open_redis_cache(valkey.url) as texts:
        documents = AutomaticDocuments(texts)
        documents.store(text)
        assert documents.find_local(ids.hash_of(text)) == text
        assert await await_quickly(documents.find_shared(ids.hash_of("{ other }"))) is None
        await await_quickly(texts.store(ids.hash_of(text), text))
        valkey.start()
        await _await_recovery(texts)


async def test_redis_stands_still_and_goes_on(valkey: ControlledValkey) -> None:
    """Many times, so that every connection of the pool was broken off in the middle of an answer."""
    valkey.start()
    text = text_of(3)
    digest = ids.hash_of(text)
    async with open_redis_cache(valkey.url) as texts:
        for _ in range(3):
            await _await_recovery(texts)
            await texts.store(digest, text)
            await asyncio.gather(*(texts.find(digest) for _ in range(20)))
            valkey.pause()
            found = await await_quickly(asyncio.gather(*(texts.find(digest) for _ in range(20))))
            assert set(found) == {None}
            waits = [await time_of(texts.find(digest)) for _ in range(5)]
            assert min(waits) < TIMEOUT_S, "nobody asks while it is known to be away"
            valkey.resume()
            began = time.monotonic()
            await until(lambda: texts.find(digest), lambda found: found == text)
            assert time.monotonic() - began < 20 * BACKOFF_S


async def test_redis_is_killed_and_comes_back_empty(valkey: ControlledValkey) -> None:
    valkey.start()
    text = text_of(4)
    digest = ids.hash_of(text)
    async with open_redis_cache(valkey.url) as texts:
        await texts.store(digest, text)
        valkey.kill()
        assert await await_quickly(texts.find(digest)) is None
        await await_quickly(texts.store(digest, text))
        valkey.start()
        await _await_recovery(texts)
        assert await texts.find(digest) is None


async def test_it_is_said_once_that_redis_is_away_and_once_that_it_is_back(valkey: ControlledValkey) -> None:
    events: list[str] = []

    async def said(number: int) -> None:
        async def asked() -> int:
            await asyncio.gather(*(texts.find(ids.hash_of("{ a }")) for _ in range(5)))
            events.extend(one["event"] for one in logs)
            logs.clear()
            return len(events)

        await until(asked, lambda count: count >= number)

    async with open_redis_cache(valkey.url) as texts:
        with capture_logs() as logs:
            await said(1)
            valkey.start()
            await said(2)
            await _await_recovery(texts)
    assert events == [
        "redis unavailable: persisted documents are not shared",
        "redis available: persisted documents are shared",
    ]


async def test_a_full_redis_is_no_error(valkey: ControlledValkey) -> None:
    valkey.start()
    text = text_of(5)
    async with open_redis_cache(valkey.url, PATIENT_S) as texts, redis.asyncio.Redis.from_url(valkey.url) as client:
        await client.config_set("maxmemory-policy", "noeviction")
        await client.config_set("maxmemory", "1")
        await texts.store(ids.hash_of(text), text)
        await client.config_set("maxmemory", "0")
        await _await_recovery(texts)


async def _await_recovery(redis_cache: RedisCache) -> None:
    text = text_of(99)

    async def kept() -> str | None:
        await redis_cache.store(ids.hash_of(text), text)
        return await redis_cache.find(ids.hash_of(text))

    await until(kept, lambda found: found == text)
