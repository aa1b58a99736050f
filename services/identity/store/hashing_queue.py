"""Turns at hashing, fair over addresses.

A hash takes a processor for 30 ms, so a wave of sign-ins waits. It waits here, before it touches the database: what
hashes nothing, such as a refresh, finds connections and threads free.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.chassis.http.server.client_address import rate_limit_network
from services.contracts.values import Refusal, refuse

R = TypeVar("R")

CONCURRENCY = 3
"""Work under way at a time: two hash, one is at the database."""
MAX_WAITING = 128
"""Work that waits, of all addresses: two seconds of hashing, a fifth of what a call may take."""
MAX_WAITING_PER_ADDRESS = 16
"""Work of one address that waits: the morning of an office behind one address."""
RETRY_AFTER_S = 3
"""In so many seconds a full queue is through."""


class HashingQueue:
    """Gives a turn to each address that waits, one after the other, however many wait behind one address.

    When the queue is full, the newest of the longest line gives way to an address with a shorter one.
    """

    def __init__(
        self, turns: int = CONCURRENCY, waiting: int = MAX_WAITING, of_an_address: int = MAX_WAITING_PER_ADDRESS
    ) -> None:
        self._free = turns
        self._waiting = waiting
        self._of_an_address = of_an_address
        self._queues: dict[str, deque[asyncio.Future[bool]]] = {}
        """Who waits, by address; the address whose turn is next comes first. A line is never empty."""

    async def run(self, address: str, work: Callable[[], Awaitable[R]]) -> R | Refusal:
        """Do ``work`` when it is the address' turn. Refused with OVERLOADED where there is no room to wait.

        Who is cancelled leaves the queue.
        """
        if not await self._acquire(rate_limit_network(address)):
            return refuse("OVERLOADED", retryable=True, seconds=RETRY_AFTER_S)
        try:
            return await work()
        finally:
            self._release()

    async def _acquire(self, address: str) -> bool:
        if self._free:
            self._free -= 1
            return True
        if not self._can_enqueue(address):
            return False
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(address, deque()).append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                self._dequeue(address, waiter)
            elif waiter.result():
                self._release()  # it came in the moment of the cancellation
            raise

    def _can_enqueue(self, address: str) -> bool:
        own = len(self._queues.get(address, ()))
        if own >= self._of_an_address:
            return False
        if sum(map(len, self._queues.values())) < self._waiting:
            return True
        longest = max(self._queues.values(), key=len)
        if len(longest) <= own + 1:
            return False
        _resolve(longest.pop(), False)
        return True

    def _release(self) -> None:
        while self._queues:
            address = next(iter(self._queues))
            line = self._queues.pop(address)
            waiter = line.popleft()
            if line:
                self._queues[address] = line
            if _resolve(waiter, True):
                return
        self._free += 1

    def _dequeue(self, address: str, waiter: asyncio.Future[bool]) -> None:
        line = self._queues.get(address)
        if line is not None and waiter in line:
            line.remove(waiter)
            if not line:
                del self._queues[address]


def _resolve(waiter: asyncio.Future[bool], turn: bool) -> bool:
    """Tell a waiter whether it has its turn; False if it was cancelled and does not know yet."""
    if waiter.done():
        return False
    waiter.set_result(turn)
    return True
