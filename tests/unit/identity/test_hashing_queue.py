"""Who hashes next, and who waits no longer."""

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from services.contracts.values import Refusal, refuse
from services.identity.hashing.queue import RETRY_AFTER_S, HashingQueue

REFUSED = refuse("OVERLOADED", retryable=True, seconds=RETRY_AFTER_S)


class QueuedWork:
    """Work of addresses that is under way until it is let go, in the order in which it got its turn."""

    def __init__(self, queue: HashingQueue) -> None:
        self.queue = queue
        self.turns: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def come(self, address: str, *names: str) -> list["asyncio.Task[str | Refusal]"]:
        """Have an address ask for turns."""
        return [asyncio.create_task(self.queue.run(address, partial(self._work, name))) for name in names]

    async def _work(self, name: str) -> str:
        self.turns.append(name)
        self._ends[name] = asyncio.Event()
        await self._ends[name].wait()
        return name

    async def end(self, *names: str) -> None:
        """Have work end, one after the other."""
        for name in names:
            self._ends[name].set()
            await await_settled()


async def await_settled() -> None:
    """Let every task go on until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def refused(tasks: Sequence["asyncio.Task[str | Refusal]"]) -> list[int]:
    """Which of the tasks were refused so far."""
    await await_settled()
    over = [(place, task) for place, task in enumerate(tasks) if task.done() and not task.cancelled()]
    return [place for place, task in over if task.result() == REFUSED]


async def test_addresses_take_turns_however_many_wait_behind_one() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1))
    tasks = crowd.come("flood", *(f"flood {number}" for number in range(5)))
    await await_settled()
    tasks += [*crowd.come("one", "one"), *crowd.come("two", "two a", "two b")]
    await await_settled()
    await crowd.end("flood 0", "flood 1", "one", "two a", "flood 2", "two b", "flood 3", "flood 4")
    assert crowd.turns == ["flood 0", "flood 1", "one", "two a", "flood 2", "two b", "flood 3", "flood 4"]
    assert [task.result() for task in tasks if task.result() not in crowd.turns] == []


async def test_no_more_than_the_turns_are_under_way() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=2))
    tasks = [*crowd.come("one", "a", "b", "c"), *crowd.come("two", "d")]
    await await_settled()
    assert crowd.turns == ["a", "b"]
    await crowd.end("b", "c", "d", "a")
    assert crowd.turns == ["a", "b", "c", "d"]
    assert [task.result() for task in tasks] == ["a", "b", "c", "d"]
    again = crowd.come("three", "e", "f", "g")
    await await_settled()
    assert crowd.turns[4:] == ["e", "f"], "all turns came back, and no more"
    await crowd.end("e", "f", "g")
    assert all(task.done() for task in again)


async def test_a_line_has_an_end() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1, max_waiting_per_address=3))
    flood = crowd.come("flood", *(f"{number}" for number in range(300)))
    assert await refused(flood) == list(range(4, 300)), "one has its turn, three wait"
    (other,) = crowd.come("other", "other")
    assert await refused([other]) == []
    await crowd.end("0", "1", "other", "2", "3")
    assert other.result() == "other"


async def test_addresses_of_one_subscriber_wait_in_one_line() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1, max_waiting_per_address=1))
    tasks = [*crowd.come("2001:db8::1", "a"), *crowd.come("2001:db8::2", "b"), *crowd.come("2001:db8::3", "c")]
    assert await refused(tasks) == [2]
    await crowd.end("a", "b")


async def test_a_full_queue_takes_in_an_address_that_has_less_of_it() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1, max_waiting=6, max_waiting_per_address=4))
    flood = crowd.come("flood", "0", "1", "2", "3", "4")
    await await_settled()
    flood += crowd.come("another flood", "5", "6")
    assert await refused(flood) == []
    (honest,) = crowd.come("honest", "honest")
    assert await refused([*flood, honest]) == [4], "the newest of the longest line gives way"
    second, third, _ = crowd.come("honest", "second", "third", "fourth")
    assert await refused([*flood, honest, second, third]) == [3, 4, 9], "no longer than the others, it does not"
    await crowd.end("0", "1", "5", "honest", "2", "6", "second")
    assert [task.result() for task in (honest, second)] == ["honest", "second"]


async def test_who_is_gone_leaves_the_queue() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1, max_waiting=3, max_waiting_per_address=2))
    tasks = [*crowd.come("one", "a", "b", "c"), *crowd.come("two", "d")]
    await await_settled()
    for gone in (1, 3):
        tasks[gone].cancel()
    assert await refused(tasks) == []
    more = crowd.come("two", "e", "f")
    assert await refused(more) == [], "their places are free"
    await crowd.end("a", "c", "e", "f")
    assert crowd.turns == ["a", "c", "e", "f"]


async def test_a_turn_that_comes_in_the_moment_of_leaving_is_passed_on() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1))
    first, gone, last = crowd.come("one", "a", "b", "c")
    await await_settled()
    crowd._ends["a"].set()
    while not first.done():
        await asyncio.sleep(0)
    gone.cancel()
    await await_settled()
    assert gone.cancelled()
    assert crowd.turns == ["a", "c"]
    await crowd.end("c")
    assert last.result() == "c"


async def test_who_leaves_before_a_turn_that_was_meant_for_them_is_passed_over() -> None:
    crowd = QueuedWork(HashingQueue(concurrency=1))
    _, gone, last = crowd.come("one", "a", "b", "c")
    await await_settled()
    gone.cancel()
    crowd._ends["a"].set()
    await await_settled()
    assert crowd.turns == ["a", "c"]
    await crowd.end("c")
    assert last.done()


async def test_a_turn_comes_back_from_work_that_fails_or_is_cancelled() -> None:
    queue = HashingQueue(concurrency=1)

    async def fail() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        await queue.run("one", fail)
    crowd = QueuedWork(queue)
    (under_way, waiting) = crowd.come("one", "a", "b")
    await await_settled()
    under_way.cancel()
    await await_settled()
    assert crowd.turns == ["a", "b"]
    await crowd.end("b")
    assert waiting.result() == "b"
