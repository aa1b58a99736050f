"""The queue of password hashing, fair over addresses.

A hash takes a processor for 30 ms, so many concurrent sign-ins have to wait. They wait here, before they use the
database: requests without hashing, such as a refresh, find connections and threads free.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.chassis.http.server.client_address import rate_limit_network
from services.contracts.values import Refusal, refuse

R = TypeVar("R")

CONCURRENCY = 3
"""Work in progress at a time: two hash, one is at the database."""
MAX_WAITING = 128
"""Waiting work of all addresses: two seconds of hashing, a fifth of a call's deadline."""
MAX_WAITING_PER_ADDRESS = 16
"""Waiting work of one address: that of an office in the morning."""
RETRY_AFTER_S = 3
"""Seconds in which a full queue is processed."""


class HashingQueue:
    """A round-robin queue over addresses, however many requests of one address wait.

    When the queue is full, an address with a shorter queue displaces the newest waiter of the longest.
    """

    def __init__(
        self,
        concurrency: int = CONCURRENCY,
        max_waiting: int = MAX_WAITING,
        max_waiting_per_address: int = MAX_WAITING_PER_ADDRESS,
    ) -> None:
        self._free_slots = concurrency
        self._max_waiting = max_waiting
        self._max_waiting_per_address = max_waiting_per_address
        self._queues: dict[str, deque[asyncio.Future[bool]]] = {}
        """Waiters by address. The next address comes first; an empty queue is removed."""

    async def run(self, address: str, work: Callable[[], Awaitable[R]]) -> R | Refusal:
        """Run ``work`` as soon as the address gets a slot. Refused with OVERLOADED if the queue is full.

        A cancelled caller leaves the queue.
        """
        if not await self._acquire(rate_limit_network(address)):
            return refuse("OVERLOADED", retryable=True, seconds=RETRY_AFTER_S)
        try:
            return await work()
        finally:
            self._release()

    async def _acquire(self, address: str) -> bool:
        if self._free_slots:
            self._free_slots -= 1
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
                self._release()  # the slot was given in the moment of the cancellation
            raise

    def _can_enqueue(self, address: str) -> bool:
        """Return whether an address may wait, which displaces a waiter of the longest queue if need be."""
        waiting = len(self._queues.get(address, ()))
        if waiting >= self._max_waiting_per_address:
            return False
        if sum(map(len, self._queues.values())) < self._max_waiting:
            return True
        longest = max(self._queues.values(), key=len)
        if len(longest) <= waiting + 1:
            return False
        _resolve(longest.pop(), False)
        return True

    def _release(self) -> None:
        while self._queues:
            address = next(iter(self._queues))
            queue = self._queues.pop(address)
            waiter = queue.popleft()
            if queue:
                self._queues[address] = queue
            if _resolve(waiter, True):
                return
        self._free_slots += 1

    def _dequeue(self, address: str, waiter: asyncio.Future[bool]) -> None:
        queue = self._queues.get(address)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self._queues[address]


def _resolve(waiter: asyncio.Future[bool], slot: bool) -> bool:
    """Give a waiter a slot, or refuse it. Return False if it was cancelled and has not run since."""
    if waiter.done():
        return False
    waiter.set_result(slot)
    return True
