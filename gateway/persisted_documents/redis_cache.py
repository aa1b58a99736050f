"""Texts in Redis, shared by all gateways, so that what a client told one of them the others know.

Nobody depends on it: with Redis away, slow or full, a text is not found, and its client sends it again.

A text's place is one of a fixed number, chosen by its hash: another text may push it out, and however many are
registered, they take at most ``SLOTS`` times ``MAX_BYTES`` bytes. What is read is believed only if its hash is right.
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
"""Bytes (UTF-8) of a text that is kept: a larger one is one person's own, or an attempt."""
SLOTS = 1024
TTL = dt.timedelta(days=1)
"""How long a text stays that nobody asks for."""
TIMEOUT_S = 0.05
"""How long a request waits for Redis at most."""
BACKOFF_S = 1.0
"""How long nobody asks, once Redis did not answer."""

_KEY_PREFIX = "kierto:document:"
_MAX_CONNECTIONS = 8
_MAX_WRITES = 32
"""In the background at a time: what comes beyond that is not shared."""

_log = logger(__name__)


class RedisCache:
    """Texts by their hashes. Neither call waits for more than ``wait_s`` seconds, and neither fails."""

    def __init__(self, client: Redis, wait_s: float) -> None:
        self._client = client
        self._timeout_s = wait_s
        self._retry_at = 0.0
        """By the loop's clock."""
        self._failures = 0
        """In a row. One alone may be this process's own: it was busy with something else just then."""
        self._writes: set[asyncio.Task[None]] = set()

    async def find(self, digest: str) -> str | None:
        """The text with this hash; None if it is not there, or can't be asked for now. It stays for another while."""
        read = await self._call(lambda: self._client.getex(_key(digest), ex=TTL))
        if not isinstance(read, bytes):
            return None
        text = read.decode(errors="replace")
        return text if ids.hash_of(text) == digest else None

    async def store(self, digest: str, text: str) -> None:
        """Keep a text, if it is not too large and Redis is there."""
        written = text.encode()
        if len(written) <= MAX_BYTES:
            await self._call(lambda: self._client.set(_key(digest), written, ex=TTL))

    def store_in_background(self, digest: str, text: str) -> None:
        """The same in the background, unless too much is under way there."""
        if len(self._writes) < _MAX_WRITES:
            write = asyncio.create_task(self.store(digest, text))
            self._writes.add(write)
            write.add_done_callback(self._writes.discard)

    async def drain(self) -> None:
        """Wait until nothing is under way in the background."""
        await asyncio.gather(*self._writes)

    async def _call(self, ask: Callable[[], Awaitable[object]]) -> object:
        """Redis's answer; None if there is none in time."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._retry_at:
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await ask()
        except (RedisError, OSError, TimeoutError) as error:
            if loop.time() >= self._retry_at:  # the first of those who asked together
                self._retry_at = loop.time() + BACKOFF_S
                self._failures += 1
                if self._failures == 2:
                    _log.warning("redis is away: documents are not shared", error=type(error).__name__)
            return None
        if self._failures > 1:
            _log.info("redis is back: documents are shared")
        self._failures = 0
        return answer


@contextlib.asynccontextmanager
async def open_redis_cache(redis_url: str, wait_s: float = TIMEOUT_S) -> AsyncIterator[RedisCache]:
    """Texts in this Redis, which need not be there (yet)."""
    pool = BlockingConnectionPool.from_url(
        redis_url,
        max_connections=_MAX_CONNECTIONS,
        retry=Retry(NoBackoff(), retries=1),  # a connection of the pool may have been lost while nobody used it
        protocol=2,
    )
    client = Redis.from_pool(pool)
    texts = RedisCache(client, wait_s)
    try:
        yield texts
    finally:
        await texts.drain()
        await client.aclose()


def _key(digest: str) -> str:
    return f"{_KEY_PREFIX}{int(digest[:8], 16) % SLOTS}"
