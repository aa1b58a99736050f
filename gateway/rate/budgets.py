"""The budgets of one gateway process, and the loop that keeps them supplied with leases beside its requests."""

import asyncio

from gateway.rate.budget import MOST_WINDOWS, Budget
from gateway.rate.policy import Policy
from gateway.rate.redis_count import AWAY, RedisCount
from gateway.rate.shared_clock import SharedClock
from gateway.rate.window import NOTHING, Window, granted_of
from services.chassis.logging import logger
from services.chassis.metrics import RATE_ALONE
from services.chassis.pause import pause

_log = logger(__name__)

LOOK_S = 1.0
"""How often Redis is looked at, whether anyone asks or not."""
PACE_S = 0.01
"""The least time between two leases: who asks meanwhile goes into one call."""
MOST_AT_ONCE = 500
_MOST_ASKING = 10_000
"""Windows that may wait for their lease. Others stay on their credit, and ask with a later request."""
_FORGOTTEN_AT_ONCE = 1_000


class Budgets:
    """What callers may spend, shared by ``gateways`` processes over one Redis.

    No request waits for Redis. If it is away or slow, each process counts its share of the quota by itself (a caller's
    window may then also hold one request that costs more than the share), and tells Redis when it is back.
    """

    def __init__(self, redis_url: str, *, gateways: int, secret: bytes, clock: SharedClock | None = None) -> None:
        self._gateways = gateways
        self._clock = clock or SharedClock()
        self._count = RedisCount(redis_url, gateways, secret, self._clock)
        self._budgets: list[Budget] = []
        self._asking: list[tuple[Budget, Window]] = []
        self._asked = asyncio.Event()
        self.is_alone = False
        """Whether this process counts by itself now."""

    def under(self, policy: Policy, most_windows: int = MOST_WINDOWS) -> Budget:
        """The budget of the callers under this policy."""
        budget = Budget(policy, self._gateways, self._clock, self._ask, most_windows)
        self._budgets.append(budget)
        return budget

    async def run(self, stop: asyncio.Event) -> None:
        """Lease until ``stop`` is set."""
        try:
            await asyncio.gather(self._supply(stop), self._look(stop))
        finally:
            await self._count.close()

    def _ask(self, budget: Budget, window: Window) -> None:
        if len(self._asking) < _MOST_ASKING:
            window.is_asking = True
            self._asking.append((budget, window))
            self._asked.set()

    async def _supply(self, stop: asyncio.Event) -> None:
        while True:
            await self._asked.wait()
            if stop.is_set():
                return
            asking, self._asking = self._asking[:MOST_AT_ONCE], self._asking[MOST_AT_ONCE:]
            if not self._asking:
                self._asked.clear()
            await self._lease(asking)
            await asyncio.sleep(PACE_S)

    async def _lease(self, asking: list[tuple[Budget, Window]]) -> None:
        if not self.is_alone:
            asked_with = [window.left for _, window in asking]
            try:
                answers = await self._count.lease(asking)
            except AWAY as error:
                self._count_alone(error)
            else:
                for (budget, window), left, (granted, free) in zip(asking, asked_with, answers, strict=True):
                    # Nobody gives back: where none is free, there is none until the window's end.
                    if window.lease(left, granted, free, when_none_is_free=-NOTHING):
                        self._ask(budget, window)
                return
        for budget, window in asking:
            free = max(0, budget.policy.quota // self._gateways - window.taken)
            granted = granted_of(free, window.left, budget.chunk, spread=4)
            # Others may have left some: whoever is refused asks again, so that it is heard when Redis is back.
            if window.lease(window.left, granted, free - granted, when_none_is_free=NOTHING):
                self._ask(budget, window)

    async def _look(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._count.look()
            except AWAY as error:
                self._count_alone(error)
            else:
                self._count_together()
            now = self._clock.steady()
            for budget in self._budgets:
                budget.forget(now, _FORGOTTEN_AT_ONCE)
            await pause(stop, LOOK_S)
        self._asked.set()  # so that the other half of the loop sees it, too

    def _count_alone(self, error: BaseException) -> None:
        if not self.is_alone:
            self.is_alone = True
            RATE_ALONE.set(1)
            _log.warning("callers' rates are counted alone: Redis is away", error=str(error)[:200])

    def _count_together(self) -> None:
        if self.is_alone:
            self.is_alone = False
            RATE_ALONE.set(0)
            _log.info("callers' rates are counted together again")
