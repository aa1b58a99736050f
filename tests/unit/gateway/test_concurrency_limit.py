"""Who is let in, who waits, and who is told to come back."""

import asyncio
from collections.abc import Awaitable

import pytest

from gateway.concurrency_limit import ConcurrencyLimit
from gateway.errors import RequestError


async def enter(given: Awaitable[None] | None) -> None:
    assert given is not None, "there was room"
    await given


async def waiting_tasks(room: ConcurrencyLimit, *costs: int) -> list[asyncio.Task[None]]:
    """Tasks that wait for room, in this order."""
    tasks = [asyncio.create_task(enter(room.acquire(cost))) for cost in costs]
    await asyncio.sleep(0)
    return tasks


async def test_there_is_room_for_so_many() -> None:
    room = ConcurrencyLimit(limit=2)
    assert room.acquire(1) is None
    assert room.acquire(1) is None
    room.release()
    assert room.acquire(1) is None


async def test_the_first_come_is_served_first() -> None:
    room = ConcurrencyLimit(limit=1)
    room.acquire(1)
    first, second = await waiting_tasks(room, 1, 9)
    room.release()
    await first
    assert not second.done()
    room.release()
    await second
    room.release()
    assert room.acquire(1) is None


async def test_what_is_shed_is_the_cheapest_and_of_those_the_newest() -> None:
    room = ConcurrencyLimit(limit=1, max_waiting=3)
    room.acquire(1)
    tasks = await waiting_tasks(room, 5, 2, 2, 7)
    await asyncio.sleep(0)
    assert [task.done() for task in tasks] == [False, False, True, False]
    with pytest.raises(RequestError) as refused:
        await tasks[2]
    assert (refused.value.status, refused.value.code, refused.value.headers) == (
        503,
        "OVERLOADED",
        {"Retry-After": "1"},
    )
    (newest,) = await waiting_tasks(room, 1)
    with pytest.raises(RequestError):
        await newest
    for task in (tasks[0], tasks[1], tasks[3]):
        room.release()
        await task


async def test_nobody_waits_for_ever() -> None:
    room = ConcurrencyLimit(limit=1, timeout_s=0.01)
    room.acquire(1)
    (late,) = await waiting_tasks(room, 1)
    with pytest.raises(RequestError):
        await late
    room.release()
    assert room.acquire(1) is None


@pytest.mark.parametrize("given", [False, True], ids=["while it waits", "when its turn has come"])
async def test_who_goes_away_takes_no_room_along(given: bool) -> None:
    room = ConcurrencyLimit(limit=1)
    room.acquire(1)
    gone, next_one = await waiting_tasks(room, 1, 1)
    if given:
        room.release()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    if not given:
        room.release()
    await next_one
    room.release()
    assert room.acquire(1) is None
