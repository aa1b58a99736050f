"""The count that all gateways share, in Redis."""

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
"""Of every key here. In a cluster all of them lie together, as a script needs it."""
TIMEOUT_S = 0.25
"""How long an answer may take before Redis counts as away."""
EXPIRY_GRACE_MS = 5_000
"""How long a count is kept after its window's end, for gateways whose clocks lag behind a little."""
TRANSIENT_REDIS_ERRORS = (redis.RedisError, OSError, TimeoutError)
"""What it raises if there is no (good) answer in time."""

_SCRIPT = (Path(__file__).parent / "lease.lua").read_text(encoding="utf-8")


class RedisCounter:
    """Leases, one call for as many windows as ask. ``gateways`` is how many processes there are; ``secret`` is theirs.

    Keys tell a caller's name only to who knows the secret: an address could else be found by trying them all.
    """

    def __init__(self, url: str, gateways: int, secret: bytes, clock: SharedClock) -> None:
        # One attempt a call, as the whole of it has one time limit: the next call is the next attempt.
        self._redis = redis.asyncio.Redis.from_url(url, retry=Retry(NoBackoff(), 0), protocol=2)
        self._script = self._redis.register_script(_SCRIPT)
        self._common_arguments = (secrets.token_hex(4), 4 * gateways)
        self._secret = hashlib.blake2b(secret).digest()
        self._clock = clock

    async def lease(self, asking: Sequence[tuple[Budget, Window]]) -> list[tuple[int, int]]:
        """What is granted to each, and what is free then; AWAY if there is no answer in time."""
        now = self._clock.monotonic()
        values: list[int] = []
        for budget, window in asking:
            kept = int(1000 * (window.ends_at - now)) + EXPIRY_GRACE_MS
            values += (window.leased, window.balance, budget.policy.quota, budget.chunk, kept)
        answer = await self._call([self._key(budget, window) for budget, window in asking], values)
        return list(zip(answer[::2], answer[1::2], strict=True))

    async def probe(self) -> None:
        """Hear the time, and see whether a lease would work; else AWAY."""
        await self._call([f"{KEY_PREFIX}look"], [0, 0, 0, 0, EXPIRY_GRACE_MS])

    async def close(self) -> None:
        await self._redis.aclose()

    async def _call(self, keys: Sequence[str], values: Sequence[int]) -> list[int]:
        asked = self._clock.monotonic()
        answer: list[int]
        async with asyncio.timeout(TIMEOUT_S):
            said, *answer = await self._script(keys, [*self._common_arguments, *values])
        self._clock.synchronize(asked, self._clock.monotonic(), said / 1000)
        return answer

    def _key(self, budget: Budget, window: Window) -> str:
        caller = hashlib.blake2b(window.key.encode(), key=self._secret, digest_size=16).hexdigest()
        return f"{KEY_PREFIX}{budget.policy.name}:{window.number}:{caller}"
