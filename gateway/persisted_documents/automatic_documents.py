"""Documents that clients register by themselves: a text is sent with its hash once, then the hash is enough.

In this process's memory, and in Redis for the other gateways. All of it may be lost: then the client sends the text
again.
"""

from gateway.persisted_documents import ids
from gateway.persisted_documents.memory_cache import MemoryCache
from gateway.persisted_documents.redis_cache import MAX_BYTES, RedisCache


class AutomaticDocuments:
    """Texts that were registered. Without ``shared``, each gateway knows its own."""

    def __init__(self, shared: RedisCache | None = None, remembered: MemoryCache | None = None) -> None:
        self._redis_cache = shared
        self._memory_cache = remembered if remembered is not None else MemoryCache()

    def find_local(self, digest: str) -> str | None:
        """The text with this hash, if this process has it."""
        return self._memory_cache.find(digest)

    async def find_shared(self, digest: str) -> str | None:
        """The text with this hash, if another gateway has shared it; at hand from then on."""
        if self._redis_cache is None or not ids.is_hash(digest):
            return None
        text = await self._redis_cache.find(digest)
        if text is not None:
            self._memory_cache.store(digest, text)
        return text

    def store(self, text: str) -> None:
        """Keep a valid text (of up to ``MAX_BYTES`` bytes), and share it in the background."""
        if len(text) > MAX_BYTES:
            return
        digest = ids.hash_of(text)
        if self._memory_cache.find(digest) is not None:
            return
        self._memory_cache.store(digest, text)
        if self._redis_cache is not None:
            self._redis_cache.store_in_background(digest, text)
