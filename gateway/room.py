"""Room for so many operations at once: what comes beyond waits, and what comes beyond that is told to come back.

Without it a gateway that is asked for more than it can do would answer everybody late, until nobody waits any more for
what it is doing. What is shed first is what was easiest asked for: the cheapest, and of those the newest.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable

from gateway.errors import Refused
from services.chassis import metrics

AGAIN_S = 1
"""After how many seconds to come back."""


class Room:
    """Lets ``most`` operations be under way and ``most_waiting`` wait, the first come served first."""

    def __init__(self, most: int = 200, most_waiting: int = 400, patience_s: float = 5.0) -> None:
        self._most = most
        self._most_waiting = most_waiting
        self._patience_s = patience_s
        self._under_way = 0
        self._come = 0
        self._waiting: deque[tuple[int, int, asyncio.Future[None]]] = deque()

    def enter(self, cost: int) -> Awaitable[None] | None:
        """Come in, and ``leave`` later: at once (None), or when what is given was awaited; Refused if shed."""
        if self._under_way < self._most:
            self._under_way += 1
            return None
        return self._wait(cost)

    def leave(self) -> None:
        """Make room for the next."""
        while self._waiting:
            _, _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._under_way -= 1

    async def _wait(self, cost: int) -> None:
        self._come += 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        mine = cost, -self._come, turn
        self._waiting.append(mine)
        if len(self._waiting) > self._most_waiting:
            shed = min(self._waiting)
            self._waiting.remove(shed)
            shed[2].set_exception(_too_much())
        try:
            async with asyncio.timeout(self._patience_s):
                await turn
        except BaseException as error:
            if mine in self._waiting:
                self._waiting.remove(mine)
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()  # it was given the room in the moment in which it stopped waiting
            if isinstance(error, TimeoutError):
                raise _too_much() from None
            raise


def _too_much() -> Refused:
    metrics.SHED.inc()
    return Refused(503, "OVERLOADED", {"Retry-After": str(AGAIN_S)}, seconds=AGAIN_S)
