"""Room for so many operations at once: what comes beyond waits, and what comes beyond that is told to come back.

Without it a gateway that is asked for more than it can do would answer everybody late, until nobody waits any more for
what it is doing. What is shed first is what was easiest asked for: the cheapest, and of those the newest.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable

from gateway.errors import RequestError
from services.chassis.telemetry import metrics

RETRY_AFTER_S = 1
"""After how many seconds to come back."""


class ConcurrencyLimit:
    """Lets ``most`` operations be under way and ``most_waiting`` wait, the first come served first."""

    def __init__(self, most: int = 200, most_waiting: int = 400, patience_s: float = 5.0) -> None:
        self._limit = most
        self._max_waiting = most_waiting
        self._timeout_s = patience_s
        self._running = 0
        self._arrivals = 0
        self._waiting: deque[tuple[int, int, asyncio.Future[None]]] = deque()

    def acquire(self, cost: int) -> Awaitable[None] | None:
        """Come in, and ``leave`` later: at once (None), or when what is given was awaited; Refused if shed."""
        if self._running < self._limit:
            self._running += 1
            return None
        return self._wait(cost)

    def release(self) -> None:
        """Make room for the next."""
        while self._waiting:
            _, _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1

    async def _wait(self, cost: int) -> None:
        self._arrivals += 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        mine = cost, -self._arrivals, turn
        self._waiting.append(mine)
        if len(self._waiting) > self._max_waiting:
            shed = min(self._waiting)
            self._waiting.remove(shed)
            shed[2].set_exception(_overloaded())
        try:
            async with asyncio.timeout(self._timeout_s):
                await turn
        except BaseException as error:
            if mine in self._waiting:
                self._waiting.remove(mine)
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release()  # it was given the room in the moment in which it stopped waiting
            if isinstance(error, TimeoutError):
                raise _overloaded() from None
            raise


def _overloaded() -> RequestError:
    metrics.OPERATIONS_SHED.inc()
    return RequestError(503, "OVERLOADED", {"Retry-After": str(RETRY_AFTER_S)}, seconds=RETRY_AFTER_S)
