"""What is written in a turn of the loop leaves at its end, in its order, and to nobody who is gone."""

import asyncio
from typing import Any

from services.chassis.turn import turn_of


class Paper:
    """A connection that notes what is written to it."""

    def __init__(self, noted: list[tuple[str, bytes]], name: str) -> None:
        self.noted, self.name, self.closing = noted, name, False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.noted.append((self.name, data))


async def test_it_leaves_at_the_end_of_the_turn_in_its_order() -> None:
    noted: list[tuple[str, bytes]] = []
    one, other = Paper(noted, "one"), Paper(noted, "other")
    turn: Any = turn_of(asyncio.get_running_loop())
    turn.write(one, b"1")

    async def write_more() -> None:
        turn.write(other, b"2")
        turn.write(one, b"3")

    more = asyncio.create_task(write_more())
    assert noted == []
    await asyncio.sleep(0)
    assert more.done()
    await asyncio.sleep(0)
    assert noted == [("one", b"1"), ("other", b"2"), ("one", b"3")]
    turn.write(other, b"4")
    await asyncio.sleep(0)
    assert noted[3:] == [("other", b"4")], "one turn is not all"


async def test_it_leaves_at_once_for_whoever_writes_by_themselves() -> None:
    noted: list[tuple[str, bytes]] = []
    one = Paper(noted, "one")
    turn: Any = turn_of(asyncio.get_running_loop())
    turn.end()
    turn.write(one, b"1")
    turn.end()
    assert noted == [("one", b"1")]
    turn.write(one, b"2")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert noted == [("one", b"1"), ("one", b"2")]


async def test_to_who_is_gone_nothing_is_written() -> None:
    noted: list[tuple[str, bytes]] = []
    one, other = Paper(noted, "one"), Paper(noted, "other")
    turn: Any = turn_of(asyncio.get_running_loop())
    turn.write(one, b"1")
    turn.write(other, b"2")
    one.closing = True
    turn.end()
    assert noted == [("other", b"2")]


async def test_each_loop_has_its_own() -> None:
    here = turn_of(asyncio.get_running_loop())
    assert turn_of(asyncio.get_running_loop()) is here

    def elsewhere() -> bool:
        loop = asyncio.new_event_loop()
        try:
            return turn_of(loop) is here
        finally:
            loop.close()

    assert not await asyncio.to_thread(elsewhere)
