"""The count of leased units in Redis, which all gateways share."""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.rate_limit.budget import Budget
from gateway.rate_limit.shared_clock import SharedClock
from gateway.rate_limit.window import Window

KEY_PREFIX = "kierto:{rate}:"
"""The prefix of all keys. Its hash tag puts them into one slot of a cluster, as a script requires."""
TIMEOUT_S = 0.25
"""The time of a call after which Redis is unavailable."""
EXPIRY_GRACE_MS = 5_000
"""Expiry of a count after its window's end, for gateways whose clocks are slow."""
TRANSIENT_REDIS_ERRORS = (redis.RedisError, OSError, TimeoutError)
"""Errors of a call to an unavailable Redis."""

_SCRIPT = (Path(__file__).parent / "lease.lua").read_text(encoding="utf-8")


class RedisCounter:
    """Leases of units, for many windows with one call.

    ``gateways`` is the number of gateway processes, ``secret`` one that they share. Callers in keys are hashed with it,
    because an unkeyed hash of an address can be reversed by hashing all addresses.
    """

    def __init__(self, url: str, gateways: int, secret: bytes, clock: SharedClock) -> None:
        # No retries: a call has one time limit, and the next call follows soon.
        self._redis = redis.asyncio.Redis.from_url(url, retry=Retry(NoBackoff(), 0), protocol=2)
        self._script = self._redis.register_script(_SCRIPT)
        self._common_arguments = (secrets.token_hex(4), 4 * gateways)
        self._secret = hashlib.blake2b(secret).digest()
        self._clock = clock

    async def lease(self, windows: Sequence[tuple[Budget, Window]]) -> list[tuple[int, int]]:
        """Return the units granted to each window, and the units free after that; TRANSIENT_REDIS_ERRORS."""
        now = self._clock.monotonic()
        values: list[int] = []
        for budget, window in windows:
            expiry_ms = int(1000 * (window.ends_at - now)) + EXPIRY_GRACE_MS
            values += (window.leased, window.balance, budget.policy.quota, budget.chunk, expiry_ms)
        counts = await self._call([self._key(budget, window) for budget, window in windows], values)
        return list(zip(counts[::2], counts[1::2], strict=True))

    async def probe(self) -> None:
        """Synchronize the clock and check that leases work; TRANSIENT_REDIS_ERRORS if not."""
        await self._call([f"{KEY_PREFIX}look"], [0, 0, 0, 0, EXPIRY_GRACE_MS])

    async def close(self) -> None:
        await self._redis.aclose()

    async def _call(self, keys: Sequence[str], values: Sequence[int]) -> list[int]:
        sent_at = self._clock.monotonic()
        counts: list[int]
        async with asyncio.timeout(TIMEOUT_S):
            server_time_ms, *counts = await self._script(keys, [*self._common_arguments, *values])
        self._clock.synchronize(sent_at, self._clock.monotonic(), server_time_ms / 1000)
        return counts

    def _key(self, budget: Budget, window: Window) -> str:
        caller = hashlib.blake2b(window.key.encode(), key=self._secret, digest_size=16).hexdigest()
        return f"{KEY_PREFIX}{budget.policy.name}:{window.number}:{caller}"
