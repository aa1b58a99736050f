"""Tests of registered documents in a real Valkey: shared, bounded, and with short waits."""

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
"""The timeout of 50 ms with a margin for a busy machine; without the timeout the wait would not end."""
PATIENT_S = 20.0
"""Timeout of tests of the contents, so that a busy machine does not count as Redis being away."""


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ControlledValkey]:
    server = ControlledValkey(tmp_path, free_port_base())
    yield server
    server.kill()


@pytest.fixture
async def redis_cache(server_addresses: Servers) -> AsyncIterator[RedisCache]:
    async with open_redis_cache(server_addresses.redis_url, PATIENT_S) as cache:
        yield cache


def text_of(number: int) -> str:
    return f"query Number{number} {{ me {{ id }} }} # {time.time_ns()}"


async def time_of(request: Awaitable[object]) -> float:
    """Return the seconds until the result."""
    began = time.monotonic()
    await request
    return time.monotonic() - began


async def await_quickly(request: Awaitable[T]) -> T:
    began = time.monotonic()
    result = await request
    assert time.monotonic() - began < LONGEST_WAIT_S
    return result


async def test_a_document_stored_by_one_gateway_is_found_by_others(redis_cache: RedisCache) -> None:
    one, other = AutomaticDocuments(redis_cache), AutomaticDocuments(redis_cache)
    text = text_of(0)
    assert await other.find_shared(ids.hash_of(text)) is None
    one.store(text)
    assert one.find_local(ids.hash_of(text)) == text
    assert other.find_local(ids.hash_of(text)) is None
    await until(lambda: other.find_shared(ids.hash_of(text)), lambda found: found == text)
    assert other.find_local(ids.hash_of(text)) == text


async def test_every_character_is_kept(redis_cache: RedisCache) -> None:
    text = 'query { a(b: "ä ☃ 😀 \\u0000") }'
    await redis_cache.store(ids.hash_of(text), text)
    assert await redis_cache.find(ids.hash_of(text)) == text


async def test_a_document_expires_a_day_after_its_last_use(valkey: ControlledValkey) -> None:
    valkey.start()
    text = text_of(1)
    digest = ids.hash_of(text)
    async with open_redis_cache(valkey.url, PATIENT_S) as cache, redis.asyncio.Redis.from_url(valkey.url) as client:
        await cache.store(digest, text)
        [key] = await client.keys("kierto:document:*")
        assert 0 < await client.ttl(key) <= TTL.total_seconds()
        await client.expire(key, 10)
        assert await cache.find(digest) == text
        assert await client.ttl(key) > 10
        await client.set(key, "{ another }")
        assert await cache.find(digest) is None
        await client.set(key, b"\xff\xfe")
        assert await cache.find(digest) is None


async def test_anonymous_callers_can_not_fill_it(valkey: ControlledValkey) -> None:
    valkey.start()
    async with open_redis_cache(valkey.url, PATIENT_S) as cache, redis.asyncio.Redis.from_url(valkey.url) as client:
        await cache.store(ids.hash_of("x" * MAX_BYTES), "x" * MAX_BYTES)
        assert await client.dbsize() == 1
        await cache.store(ids.hash_of("ä" * MAX_BYTES), "ä" * MAX_BYTES)
        assert await client.dbsize() == 1
        for number in range(SLOTS * 3):
            text = text_of(number)
            await cache.store(ids.hash_of(text), text)
        assert SLOTS // 2 < await client.dbsize() <= SLOTS


async def test_a_burst_is_kept_locally_and_shared_in_part(redis_cache: RedisCache) -> None:
    documents = AutomaticDocuments(redis_cache)
    burst = [text_of(number) for number in range(500)]
    for text in burst:
        documents.store(text)
    assert all(documents.find_local(ids.hash_of(text)) == text for text in burst)
    assert len(asyncio.all_tasks()) < 50
    await redis_cache.drain()
    assert len(asyncio.all_tasks()) == 1
    shared = [text for text in burst if await redis_cache.find(ids.hash_of(text))]
    assert 16 < len(shared) <= 32, "of the 32 that were written, few displaced others"


async def test_an_invalid_hash_is_not_looked_up(redis_cache: RedisCache) -> None:
    assert await AutomaticDocuments(redis_cache).find_shared("*") is None
    assert await AutomaticDocuments(redis_cache).find_shared("Z" * 64) is None


async def test_redis_is_unavailable_from_the_start(valkey: ControlledValkey) -> None:
    text = text_of(2)
    async with open_redis_cache(valkey.url) as cache:
        documents = AutomaticDocuments(cache)
        documents.store(text)
        assert documents.find_local(ids.hash_of(text)) == text
        assert await await_quickly(documents.find_shared(ids.hash_of("{ other }"))) is None
        await await_quickly(cache.store(ids.hash_of(text), text))
        valkey.start()
        await _await_recovery(cache)


async def test_redis_is_stopped_and_continued(valkey: ControlledValkey) -> None:
    """Repeat it, so that every connection of the pool is interrupted in the middle of a response."""
    valkey.start()
    text = text_of(3)
    digest = ids.hash_of(text)
    async with open_redis_cache(valkey.url) as cache:
        for _ in range(3):
            await _await_recovery(cache)
            await cache.store(digest, text)
            await asyncio.gather(*(cache.find(digest) for _ in range(20)))
            valkey.pause()
            found = await await_quickly(asyncio.gather(*(cache.find(digest) for _ in range(20))))
            assert set(found) == {None}
            waits = [await time_of(cache.find(digest)) for _ in range(5)]
            assert min(waits) < TIMEOUT_S, "no request is sent while it is known to be away"
            valkey.resume()
            began = time.monotonic()
            await until(lambda: cache.find(digest), lambda found: found == text)
            assert time.monotonic() - began < 20 * BACKOFF_S


async def test_redis_is_killed_and_restarts_empty(valkey: ControlledValkey) -> None:
    valkey.start()
    text = text_of(4)
    digest = ids.hash_of(text)
    async with open_redis_cache(valkey.url) as cache:
        await cache.store(digest, text)
        valkey.kill()
        assert await await_quickly(cache.find(digest)) is None
        await await_quickly(cache.store(digest, text))
        valkey.start()
        await _await_recovery(cache)
        assert await cache.find(digest) is None


async def test_an_outage_and_its_end_are_logged_once_each(valkey: ControlledValkey) -> None:
    events: list[str] = []

    async def await_events(number: int) -> None:
        async def find_and_count() -> int:
            await asyncio.gather(*(cache.find(ids.hash_of("{ a }")) for _ in range(5)))
            events.extend(one["event"] for one in logs)
            logs.clear()
            return len(events)

        await until(find_and_count, lambda count: count >= number)

    async with open_redis_cache(valkey.url) as cache:
        with capture_logs() as logs:
            await await_events(1)
            valkey.start()
            await await_events(2)
            await _await_recovery(cache)
    assert events == [
        "redis unavailable: persisted documents are not shared",
        "redis available: persisted documents are shared",
    ]


async def test_a_full_redis_is_no_error(valkey: ControlledValkey) -> None:
    valkey.start()
    text = text_of(5)
    async with open_redis_cache(valkey.url, PATIENT_S) as cache, redis.asyncio.Redis.from_url(valkey.url) as client:
        await client.config_set("maxmemory-policy", "noeviction")
        await client.config_set("maxmemory", "1")
        await cache.store(ids.hash_of(text), text)
        await client.config_set("maxmemory", "0")
        await _await_recovery(cache)


async def _await_recovery(redis_cache: RedisCache) -> None:
    text = text_of(99)

    async def store_and_find() -> str | None:
        await redis_cache.store(ids.hash_of(text), text)
        return await redis_cache.find(ids.hash_of(text))

    await until(store_and_find, lambda found: found == text)
