"""The budgets of one gateway process, and the loops that lease units for them in the background."""

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
"""The interval of probes of Redis, even without requests."""
LEASE_INTERVAL_S = 0.01
"""The time between two calls for leases, which batches the windows that need one meanwhile."""
MAX_LEASES_PER_CALL = 500
_MAX_PENDING = 10_000
"""Windows that wait for a lease. Further ones request theirs again with a later request."""
_EVICTION_BATCH = 1_000


class SharedBudgets:
    """Budgets that ``gateways`` processes share through one Redis.

    No request waits for Redis. While it is unavailable or slow, each process counts standalone, with its share of the
    quota (and admits one request that costs more than the share). The units are reported to Redis afterwards.
    """

    def __init__(self, redis_url: str, *, gateways: int, secret: bytes, clock: SharedClock | None = None) -> None:
        self._gateways = gateways
        self._clock = clock or SharedClock()
        self._counter = RedisCounter(redis_url, gateways, secret, self._clock)
        self._budgets: list[Budget] = []
        self._pending: list[tuple[Budget, Window]] = []
        self._has_pending = asyncio.Event()
        self.is_standalone = False
        """Whether the process counts without Redis."""

    def budget_for(self, policy: Policy, max_windows: int = MAX_WINDOWS) -> Budget:
        """Create the budget of a policy."""
        budget = Budget(policy, self._gateways, self._clock, self._request_lease, max_windows)
        self._budgets.append(budget)
        return budget

    async def run(self, stop: asyncio.Event) -> None:
        """Run both loops until ``stop`` is set."""
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
            windows, self._pending = self._pending[:MAX_LEASES_PER_CALL], self._pending[MAX_LEASES_PER_CALL:]
            if not self._pending:
                self._has_pending.clear()
            await self._lease(windows)
            await asyncio.sleep(LEASE_INTERVAL_S)

    async def _lease(self, windows: list[tuple[Budget, Window]]) -> None:
        if not self.is_standalone:
            balances = [window.balance for _, window in windows]
            try:
                leases = await self._counter.lease(windows)
            except TRANSIENT_REDIS_ERRORS as error:
                self._enter_standalone(error)
            else:
                for (budget, window), balance, (granted, free) in zip(windows, balances, leases, strict=True):
                    # Leases are never returned: once no units are free, there are none until the window's end.
                    if window.apply_lease(balance, granted, free, renew_below_when_exhausted=-INFINITE_UNITS):
                        self._request_lease(budget, window)
                return
        for budget, window in windows:
            free = max(0, budget.policy.quota // self._gateways - window.leased)
            granted = grant_size(free, window.balance, budget.chunk, divisor=4)
            # Other gateways may have units left: refused callers request leases again, for when Redis is available.
            if window.apply_lease(window.balance, granted, free - granted, renew_below_when_exhausted=INFINITE_UNITS):
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
        self._has_pending.set()  # wakes the other loop

    def _enter_standalone(self, error: BaseException) -> None:
        if not self.is_standalone:
            self.is_standalone = True
            RATE_LIMIT_LOCAL.set(1)
            _log.warning("redis unavailable: rate limits are counted per process", error=str(error)[:200])

    def _leave_standalone(self) -> None:
        if self.is_standalone:
            self.is_standalone = False
            RATE_LIMIT_LOCAL.set(0)
            _log.info("redis available: rate limits are shared")
