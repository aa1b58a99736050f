"""The concurrency limit of operations, with a bounded queue and load shedding.

Without it an overloaded gateway would answer all operations late, and work for clients that gave up. Of a full queue
the cheapest operation is shed, and of several the newest: they are the easiest to repeat.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable

from gateway.errors import RequestError
from services.chassis.telemetry import metrics

RETRY_AFTER_S = 1
"""The ``Retry-After`` of a shed operation."""


class ConcurrencyLimit:
    """A limit of running operations, with a queue of ``max_waiting``, first in, first out; the rest is shed."""

    def __init__(self, limit: int = 200, max_waiting: int = 400, timeout_s: float = 5.0) -> None:
        self._limit = limit
        self._max_waiting = max_waiting
        self._timeout_s = timeout_s
        self._running = 0
        self._arrivals = 0
        self._waiting: deque[tuple[int, int, asyncio.Future[None]]] = deque()

    def acquire(self, cost: int) -> Awaitable[None] | None:
        """Acquire a slot, to ``release`` later: at once (None), or by the awaitable; RequestError if it is shed."""
        if self._running < self._limit:
            self._running += 1
            return None
        return self._wait(cost)

    def release(self) -> None:
        """Release a slot to the next in the queue."""
        while self._waiting:
            _, _, slot = self._waiting.popleft()
            if not slot.done():
                slot.set_result(None)
                return
        self._running -= 1

    async def _wait(self, cost: int) -> None:
        self._arrivals += 1
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = cost, -self._arrivals, slot
        self._waiting.append(entry)
        if len(self._waiting) > self._max_waiting:
            shed = min(self._waiting)
            self._waiting.remove(shed)
            shed[2].set_exception(_overloaded())
        try:
            async with asyncio.timeout(self._timeout_s):
                await slot
        except BaseException as error:
            if entry in self._waiting:
                self._waiting.remove(entry)
            if slot.done() and not slot.cancelled() and slot.exception() is None:
                self.release()  # the slot was assigned in the same iteration of the event loop
            if isinstance(error, TimeoutError):
                raise _overloaded() from None
            raise


def _overloaded() -> RequestError:
    metrics.OPERATIONS_SHED.inc()
    return RequestError(503, "OVERLOADED", {"Retry-After": str(RETRY_AFTER_S)}, seconds=RETRY_AFTER_S)
