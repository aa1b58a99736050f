"""The concurrency limit: slots, the queue, and shedding."""

import asyncio
from collections.abc import Awaitable

import pytest

from gateway.concurrency_limit import ConcurrencyLimit
from gateway.errors import RequestError


async def wait_for(slot: Awaitable[None] | None) -> None:
    assert slot is not None, "there was a free one"
    await slot


async def waiting_tasks(limit: ConcurrencyLimit, *costs: int) -> list[asyncio.Task[None]]:
    """Tasks that wait for a slot, in this order."""
    tasks = [asyncio.create_task(wait_for(limit.acquire(cost))) for cost in costs]
    await asyncio.sleep(0)
    return tasks


async def test_the_limit_is_admitted_at_once() -> None:
    limit = ConcurrencyLimit(limit=2)
    assert limit.acquire(1) is None
    assert limit.acquire(1) is None
    limit.release()
    assert limit.acquire(1) is None


async def test_the_queue_is_first_in_first_out() -> None:
    limit = ConcurrencyLimit(limit=1)
    limit.acquire(1)
    first, second = await waiting_tasks(limit, 1, 9)
    limit.release()
    await first
    assert not second.done()
    limit.release()
    await second
    limit.release()
    assert limit.acquire(1) is None


async def test_the_cheapest_is_shed_and_of_several_the_newest() -> None:
    limit = ConcurrencyLimit(limit=1, max_waiting=3)
    limit.acquire(1)
    tasks = await waiting_tasks(limit, 5, 2, 2, 7)
    await asyncio.sleep(0)
    assert [task.done() for task in tasks] == [False, False, True, False]
    with pytest.raises(RequestError) as refused:
        await tasks[2]
    assert (refused.value.status, refused.value.code, refused.value.headers) == (
        503,
        "OVERLOADED",
        {"Retry-After": "1"},
    )
    (newest,) = await waiting_tasks(limit, 1)
    with pytest.raises(RequestError):
        await newest
    for task in (tasks[0], tasks[1], tasks[3]):
        limit.release()
        await task


async def test_waiting_has_a_timeout() -> None:
    limit = ConcurrencyLimit(limit=1, timeout_s=0.01)
    limit.acquire(1)
    (late,) = await waiting_tasks(limit, 1)
    with pytest.raises(RequestError):
        await late
    limit.release()
    assert limit.acquire(1) is None


@pytest.mark.parametrize("acquired", [False, True], ids=["while it waits", "when it has its slot"])
async def test_a_cancelled_task_releases_its_slot(acquired: bool) -> None:
    limit = ConcurrencyLimit(limit=1)
    limit.acquire(1)
    cancelled, following = await waiting_tasks(limit, 1, 1)
    if acquired:
        limit.release()
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    if not acquired:
        limit.release()
    await following
    limit.release()
    assert limit.acquire(1) is None
