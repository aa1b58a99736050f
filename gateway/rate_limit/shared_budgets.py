"""The budgets of one gateway process, and the loop that keeps them supplied with leases beside its requests."""

import asyncio

from gateway.rate_limit.budget import MAX_WINDOWS, Budget
from gateway.rate_limit.policy import Policy
from gateway.rate_limit.redis_counter import TRANSIENT_REDIS_ERRORS, RedisCounter
from gateway.rate_limit.shared_clock import SharedClock
from gateway.rate_limit.window import INFINITE_UNITS, Window, grant_size
from services.chassis.runtime.pause import pause
from services.chassis.telemetry.logging import logger
from services.chassis.telemetry.metrics import RATE_LIMIT_LOCAL

_log = logger(__name__)

PROBE_INTERVAL_S = 1.0
"""How often Redis is looked at, whether anyone asks or not."""
LEASE_INTERVAL_S = 0.01
"""The least time between two leases: who asks meanwhile goes into one call."""
MAX_LEASES_PER_CALL = 500
_MAX_PENDING = 10_000
"""Windows that may wait for their lease. Others stay on their credit, and ask with a later request."""
_EVICTION_BATCH = 1_000


class SharedBudgets:
    """What callers may spend, shared by ``gateways`` processes over one Redis.

    No request waits for Redis. If it is away or slow, each process counts its share of the quota by itself (a caller's
    window may then also hold one request that costs more than the share), and tells Redis when it is back.
    """

    def __init__(self, redis_url: str, *, gateways: int, secret: bytes, clock: SharedClock | None = None) -> None:
        self._gateways = gateways
        self._clock = clock or SharedClock()
        self._counter = RedisCounter(redis_url, gateways, secret, self._clock)
        self._budgets: list[Budget] = []
        self._pending: list[tuple[Budget, Window]] = []
        self._has_pending = asyncio.Event()
        self.is_standalone = False
        """Whether this process counts by itself now."""

    def budget_for(self, policy: Policy, most_windows: int = MAX_WINDOWS) -> Budget:
        """The budget of the callers under this policy."""
        budget = Budget(policy, self._gateways, self._clock, self._request_lease, most_windows)
        self._budgets.append(budget)
        return budget

    async def run(self, stop: asyncio.Event) -> None:
        """Lease until ``stop`` is set."""
        try:
            await asyncio.gather(self._lease_pending(stop), self._probe_loop(stop))
        finally:
            await self._counter.close()

    def _request_lease(self, budget: Budget, window: Window) -> None:
        if len(self._pending) < _MAX_PENDING:
            window.is_lease_pending = True
            self._pending.append((budget, window))
            self._has_pending.set()

    async def _lease_pending(self, stop: asyncio.Event) -> None:
        while True:
            await self._has_pending.wait()
            if stop.is_set():
                return
            asking, self._pending = self._pending[:MAX_LEASES_PER_CALL], self._pending[MAX_LEASES_PER_CALL:]
            if not self._pending:
                self._has_pending.clear()
            await self._lease(asking)
            await asyncio.sleep(LEASE_INTERVAL_S)

    async def _lease(self, asking: list[tuple[Budget, Window]]) -> None:
        if not self.is_standalone:
            asked_with = [window.balance for _, window in asking]
            try:
                answers = await self._counter.lease(asking)
            except TRANSIENT_REDIS_ERRORS as error:
                self._enter_standalone(error)
            else:
                for (budget, window), left, (granted, free) in zip(asking, asked_with, answers, strict=True):
                    # Nobody gives back: where none is free, there is none until the window's end.
                    if window.lease(left, granted, free, when_none_is_free=-INFINITE_UNITS):
                        self._request_lease(budget, window)
                return
        for budget, window in asking:
            free = max(0, budget.policy.quota // self._gateways - window.leased)
            granted = grant_size(free, window.balance, budget.chunk, spread=4)
            # Others may have left some: whoever is refused asks again, so that it is heard when Redis is back.
            if window.lease(window.balance, granted, free - granted, when_none_is_free=INFINITE_UNITS):
                self._request_lease(budget, window)

    async def _probe_loop(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._counter.probe()
            except TRANSIENT_REDIS_ERRORS as error:
                self._enter_standalone(error)
            else:
                self._leave_standalone()
            now = self._clock.monotonic()
            for budget in self._budgets:
                budget.evict(now, _EVICTION_BATCH)
            await pause(stop, PROBE_INTERVAL_S)
        self._has_pending.set()  # so that the other half of the loop sees it, too

    def _enter_standalone(self, error: BaseException) -> None:
        if not self.is_standalone:
            self.is_standalone = True
            RATE_LIMIT_LOCAL.set(1)
            _log.warning("callers' rates are counted alone: Redis is away", error=str(error)[:200])

    def _leave_standalone(self) -> None:
        if self.is_standalone:
            self.is_standalone = False
            RATE_LIMIT_LOCAL.set(0)
            _log.info("callers' rates are counted together again")
