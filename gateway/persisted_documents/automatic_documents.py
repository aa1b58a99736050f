"""Automatic persisted queries: a client sends a text with its hash once, and then the hash alone.

The texts are cached in the process's memory, and in Redis for the other gateways. A client sends a lost text again.
"""

from gateway.persisted_documents import ids
from gateway.persisted_documents.memory_cache import MemoryCache
from gateway.persisted_documents.redis_cache import MAX_BYTES, RedisCache


class AutomaticDocuments:
    """The registered texts. Without a ``redis_cache``, each gateway has its own."""

    def __init__(self, redis_cache: RedisCache | None = None, memory_cache: MemoryCache | None = None) -> None:
        self._redis_cache = redis_cache
        self._memory_cache = memory_cache if memory_cache is not None else MemoryCache()

    def find_local(self, digest: str) -> str | None:
        """Return the text with this hash from the process's memory; None if it is not there."""
        return self._memory_cache.find(digest)

    async def find_shared(self, digest: str) -> str | None:
        """Return the text with this hash from Redis and store it in memory; None if it is not there."""
        if self._redis_cache is None or not ids.is_hash(digest):
            return None
        text = await self._redis_cache.find(digest)
        if text is not None:
            self._memory_cache.store(digest, text)
        return text

    def store(self, text: str) -> None:
        """Store a valid text of up to ``MAX_BYTES`` bytes in memory, and in Redis in the background."""
        if len(text) > MAX_BYTES:
            return
        digest = ids.hash_of(text)
        if self._memory_cache.find(digest) is not None:
            return
        self._memory_cache.store(digest, text)
        if self._redis_cache is not None:
            self._redis_cache.store_in_background(digest, text)
