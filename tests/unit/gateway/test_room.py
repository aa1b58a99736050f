"""Who is let in, who waits, and who is told to come back."""

import asyncio
from collections.abc import Awaitable

import pytest

from gateway.errors import Refused
from gateway.room import Room


async def entering(given: Awaitable[None] | None) -> None:
    assert given is not None, "there was room"
    await given


async def waiting(room: Room, *costs: int) -> list[asyncio.Task[None]]:
    """Tasks that wait for room, in this order."""
    tasks = [asyncio.create_task(entering(room.enter(cost))) for cost in costs]
    await asyncio.sleep(0)
    return tasks


async def test_there_is_room_for_so_many() -> None:
    room = Room(most=2)
    assert room.enter(1) is None
    assert room.enter(1) is None
    room.leave()
    assert room.enter(1) is None


async def test_the_first_come_is_served_first() -> None:
    room = Room(most=1)
    room.enter(1)
    first, second = await waiting(room, 1, 9)
    room.leave()
    await first
    assert not second.done()
    room.leave()
    await second
    room.leave()
    assert room.enter(1) is None


async def test_what_is_shed_is_the_cheapest_and_of_those_the_newest() -> None:
    room = Room(most=1, most_waiting=3)
    room.enter(1)
    tasks = await waiting(room, 5, 2, 2, 7)
    await asyncio.sleep(0)
    assert [task.done() for task in tasks] == [False, False, True, False]
    with pytest.raises(Refused) as refused:
        await tasks[2]
    assert (refused.value.status, refused.value.code, refused.value.headers) == (
        503,
        "OVERLOADED",
        {"Retry-After": "1"},
    )
    (newest,) = await waiting(room, 1)
    with pytest.raises(Refused):
        await newest
    for task in (tasks[0], tasks[1], tasks[3]):
        room.leave()
        await task


async def test_nobody_waits_for_ever() -> None:
    room = Room(most=1, patience_s=0.01)
    room.enter(1)
    (late,) = await waiting(room, 1)
    with pytest.raises(Refused):
        await late
    room.leave()
    assert room.enter(1) is None


@pytest.mark.parametrize("given", [False, True], ids=["while it waits", "when its turn has come"])
async def test_who_goes_away_takes_no_room_along(given: bool) -> None:
    room = Room(most=1)
    room.enter(1)
    gone, next_one = await waiting(room, 1, 1)
    if given:
        room.leave()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    if not given:
        room.leave()
    await next_one
    room.leave()
    assert room.enter(1) is None
