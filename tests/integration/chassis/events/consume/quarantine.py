"""Dead letters of alpha: events that may fail, the letters in order, and their replay."""

from services.chassis.events.consume import dead_letters
from services.chassis.events.consume.dead_letters import DeadLetter
from tests.support.alpha import Alpha, ThingCounted


def counted(number: int, thing: str = "thing_1") -> ThingCounted:
    return ThingCounted(thing_id=thing, number=number)


async def letters(alpha: Alpha) -> list[DeadLetter]:
    async with alpha.pool.acquire() as connection:
        return await dead_letters.page(connection, 0, 1000)


async def states(alpha: Alpha) -> list[str]:
    return [letter.state for letter in await letters(alpha)]


async def replayed(alpha: Alpha, letter: DeadLetter) -> int:
    return len([one async for one in alpha.consumer().replayer.replay(letter)])
