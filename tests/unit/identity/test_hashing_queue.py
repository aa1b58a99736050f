"""The hashing queue: its order over addresses, its limits, and cancelled waiters."""

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from services.contracts.values import Refusal, refuse
from services.identity.hashing.queue import RETRY_AFTER_S, HashingQueue

REFUSED = refuse("OVERLOADED", retryable=True, seconds=RETRY_AFTER_S)


class QueuedWork:
    """Work of addresses, each in progress until ``end``, recorded in the order of its start."""

    def __init__(self, queue: HashingQueue) -> None:
        self.queue = queue
        self.started: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def enqueue(self, address: str, *names: str) -> list["asyncio.Task[str | Refusal]"]:
        """Queue work of an address."""
        return [asyncio.create_task(self.queue.run(address, partial(self._work, name))) for name in names]

    async def _work(self, name: str) -> str:
        self.started.append(name)
        self._ends[name] = asyncio.Event()
        await self._ends[name].wait()
        return name

    async def end(self, *names: str) -> None:
        """End work, one after the other."""
        for name in names:
            self._ends[name].set()
            await await_settled()


async def await_settled() -> None:
    """Run every task until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def refused(tasks: Sequence["asyncio.Task[str | Refusal]"]) -> list[int]:
    """Return the indexes of the tasks that were refused so far."""
    await await_settled()
    done = [(index, task) for index, task in enumerate(tasks) if task.done() and not task.cancelled()]
    return [index for index, task in done if task.result() == REFUSED]


async def test_addresses_are_served_in_turn_however_many_wait_of_one() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1))
    tasks = crowd.enqueue("flood", *(f"flood {number}" for number in range(5)))
    await await_settled()
    tasks += [*crowd.enqueue("one", "one"), *crowd.enqueue("two", "two a", "two b")]
    await await_settled()
    await crowd.end("flood 0", "flood 1", "one", "two a", "flood 2", "two b", "flood 3", "flood 4")
    assert crowd.started == ["flood 0", "flood 1", "one", "two a", "flood 2", "two b", "flood 3", "flood 4"]
    assert [task.result() for task in tasks if task.result() not in crowd.started] == []


async def test_concurrency_is_limited() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=2))
    tasks = [*crowd.enqueue("one", "a", "b", "c"), *crowd.enqueue("two", "d")]
    await await_settled()
    assert crowd.started == ["a", "b"]
    await crowd.end("b", "c", "d", "a")
    assert crowd.started == ["a", "b", "c", "d"]
    assert [task.result() for task in tasks] == ["a", "b", "c", "d"]
    again = crowd.enqueue("three", "e", "f", "g")
    await await_settled()
    assert crowd.started[4:] == ["e", "f"], "all slots are free again, and no more"
    await crowd.end("e", "f", "g")
    assert all(task.done() for task in again)


async def test_the_queue_of_an_address_is_limited() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1, max_waiting_per_address=3))
    flood = crowd.enqueue("flood", *(f"{number}" for number in range(300)))
    assert await refused(flood) == list(range(4, 300)), "one has a slot, three wait"
    (other,) = crowd.enqueue("other", "other")
    assert await refused([other]) == []
    await crowd.end("0", "1", "other", "2", "3")
    assert other.result() == "other"


async def test_addresses_of_one_network_share_a_queue() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1, max_waiting_per_address=1))
    tasks = [*crowd.enqueue("2001:db8::1", "a"), *crowd.enqueue("2001:db8::2", "b"), *crowd.enqueue("2001:db8::3", "c")]
    assert await refused(tasks) == [2]
    await crowd.end("a", "b")


async def test_in_a_full_queue_an_address_with_a_shorter_queue_displaces_a_waiter() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1, max_waiting=6, max_waiting_per_address=4))
    flood = crowd.enqueue("flood", "0", "1", "2", "3", "4")
    await await_settled()
    flood += crowd.enqueue("another flood", "5", "6")
    assert await refused(flood) == []
    (honest,) = crowd.enqueue("honest", "honest")
    assert await refused([*flood, honest]) == [4], "the newest waiter of the longest queue is displaced"
    second, third, _ = crowd.enqueue("honest", "second", "third", "fourth")
    assert await refused([*flood, honest, second, third]) == [3, 4, 9], "of queues of equal length, none is displaced"
    await crowd.end("0", "1", "5", "honest", "2", "6", "second")
    assert [task.result() for task in (honest, second)] == ["honest", "second"]


async def test_a_cancelled_waiter_leaves_the_queue() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1, max_waiting=3, max_waiting_per_address=2))
    tasks = [*crowd.enqueue("one", "a", "b", "c"), *crowd.enqueue("two", "d")]
    await await_settled()
    for index in (1, 3):
        tasks[index].cancel()
    assert await refused(tasks) == []
    more = crowd.enqueue("two", "e", "f")
    assert await refused(more) == [], "their places are free"
    await crowd.end("a", "c", "e", "f")
    assert crowd.started == ["a", "c", "e", "f"]


async def test_a_slot_that_is_given_in_the_moment_of_the_cancellation_is_passed_on() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1))
    first, cancelled, last = crowd.enqueue("one", "a", "b", "c")
    await await_settled()
    crowd._ends["a"].set()
    while not first.done():
        await asyncio.sleep(0)
    cancelled.cancel()
    await await_settled()
    assert cancelled.cancelled()
    assert crowd.started == ["a", "c"]
    await crowd.end("c")
    assert last.result() == "c"


async def test_a_waiter_that_is_cancelled_just_before_its_slot_is_skipped() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1))
    _, cancelled, last = crowd.enqueue("one", "a", "b", "c")
    await await_settled()
    cancelled.cancel()
    crowd._ends["a"].set()
    await await_settled()
    assert crowd.started == ["a", "c"]
    await crowd.end("c")
    assert last.done()


async def test_work_that_fails_or_is_cancelled_releases_its_slot() -> None:
    queue = HashingQueue(concurrency=1)

    async def fail() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        await queue.run("one", fail)
    crowd = QueuedWork(queue)
    (running, waiting) = crowd.enqueue("one", "a", "b")
    await await_settled()
    running.cancel()
    await await_settled()
    assert crowd.started == ["a", "b"]
    await crowd.end("b")
    assert waiting.result() == "b"
