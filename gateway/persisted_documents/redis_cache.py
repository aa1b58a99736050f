"""Cache of texts in Redis, shared by all gateways.

The cache is optional: while Redis is unavailable, slow or full, a text is not found and its client sends it again.

A text is stored in one of a fixed number of slots, chosen by its hash, where it replaces any other text. So all texts
take at most ``SLOTS`` times ``MAX_BYTES`` bytes. A text is used only if its hash is the requested one.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.persisted_documents import ids
from services.chassis.telemetry.logging import logger

MAX_BYTES = 50_000
"""Bytes (UTF-8) of a stored text. Documents of real clients are smaller."""
SLOTS = 1024
TTL = dt.timedelta(days=1)
"""The expiry of a text after its last use."""
TIMEOUT_S = 0.05
"""The time that a request waits for Redis at most."""
BACKOFF_S = 1.0
"""The pause in calls after one failed."""

_KEY_PREFIX = "kierto:document:"
_MAX_CONNECTIONS = 8
_MAX_WRITES = 32
"""Concurrent writes in the background; further ones are dropped."""

_log = logger(__name__)


class RedisCache:
    """Texts by their hashes. A call takes at most ``timeout_s`` seconds, and never raises."""

    def __init__(self, client: Redis, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._retry_at = 0.0
        """A time of the event loop's clock."""
        self._failures = 0
        """Consecutive failures. A single one may be due to a busy event loop, so the second is logged."""
        self._writes: set[asyncio.Task[None]] = set()

    async def find(self, digest: str) -> str | None:
        """Return the text with this hash and extend its expiry; None if it is not there or Redis is unavailable."""
        stored = await self._call(lambda: self._client.getex(_key(digest), ex=TTL))
        if not isinstance(stored, bytes):
            return None
        text = stored.decode(errors="replace")
        return text if ids.hash_of(text) == digest else None

    async def store(self, digest: str, text: str) -> None:
        """Store a text, unless it is too large or Redis is unavailable."""
        encoded = text.encode()
        if len(encoded) <= MAX_BYTES:
            await self._call(lambda: self._client.set(_key(digest), encoded, ex=TTL))

    def store_in_background(self, digest: str, text: str) -> None:
        """Store a text in the background, unless too many writes are in progress."""
        if len(self._writes) < _MAX_WRITES:
            write = asyncio.create_task(self.store(digest, text))
            self._writes.add(write)
            write.add_done_callback(self._writes.discard)

    async def drain(self) -> None:
        """Wait for the writes in the background."""
        await asyncio.gather(*self._writes)

    async def _call(self, command: Callable[[], Awaitable[object]]) -> object:
        """Return Redis's response; None without one in time."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._retry_at:
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await command()
        except (RedisError, OSError, TimeoutError) as error:
            if loop.time() >= self._retry_at:  # only the first of concurrent failures counts
                self._retry_at = loop.time() + BACKOFF_S
                self._failures += 1
                if self._failures == 2:
                    _log.warning("redis unavailable: persisted documents are not shared", error=type(error).__name__)
            return None
        if self._failures > 1:
            _log.info("redis available: persisted documents are shared")
        self._failures = 0
        return response


@contextlib.asynccontextmanager
async def open_redis_cache(redis_url: str, timeout_s: float = TIMEOUT_S) -> AsyncIterator[RedisCache]:
    """Open the cache in a Redis, which need not be available yet."""
    pool = BlockingConnectionPool.from_url(
        redis_url,
        max_connections=_MAX_CONNECTIONS,
        retry=Retry(NoBackoff(), retries=1),  # an idle connection of the pool may have been lost
        protocol=2,
    )
    client = Redis.from_pool(pool)
    cache = RedisCache(client, timeout_s)
    try:
        yield cache
    finally:
        await cache.drain()
        await client.aclose()


def _key(digest: str) -> str:
    return f"{_KEY_PREFIX}{int(digest[:8], 16) % SLOTS}"
