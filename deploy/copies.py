"""One service's things in the copies of others: stated again by their owner, rebuilt by who keeps them."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from services.access.assembly import Blueprint
from services.chassis import announcing, rebuilding
from services.chassis.announcing import Announcement
from services.chassis.postgres import Pool
from services.chassis.rebuilding import Copy, LetGo
from services.chassis.transaction import UnitOfWork

_PATIENCE_S = 15.0


class Steps(Protocol):
    """Who is told how far things are."""

    def step(self, name: str, done: int, total: int) -> None: ...

    def note(self, text: str) -> None: ...


class Service(msgspec.Struct, frozen=True):
    """A service without its processes: how it describes itself, its database, its unit of work."""

    blueprint: Blueprint[Any, Any]
    pool: Pool
    work: UnitOfWork[Any]

    @property
    def name(self) -> str:
        return self.blueprint.name


Open = Callable[[str], contextlib.AbstractAsyncContextManager[Service]]
"""Opens the service of a name."""


class Rebuilt(msgspec.Struct, frozen=True):
    """What came of a rebuild.

    ``set_aside`` is how many events that state things lie among the dead letters: as long as there are any, nothing is
    let go, for it may be what they state.
    """

    stated: int
    let_go: LetGo
    set_aside: int


async def state_again(owner: Service, announcements: Sequence[Announcement[Any]], steps: Steps) -> dict[str, int]:
    """Have an owner state every thing of these kinds; how many of each there were."""
    stated = dict[str, int]()
    for announcement in announcements:
        async with owner.pool.acquire() as connection:
            total = await announcing.count(connection, announcement)
        name, done = f"{owner.name} {announcement.thing}", 0
        steps.step(name, 0, total)
        async for more in announcing.announce(owner.work, announcement):
            done += more
            steps.step(name, done, max(done, total))
        stated[announcement.thing] = done
    return stated


async def rebuild(keeper: Service, open_service: Open, steps: Steps) -> Rebuilt:
    """Bring every copy that a service keeps to what the owners have, and what it computes from copies to what they say.

    It may be broken off and begun anew at any time, and while everything runs. RebuildingAlready if it is under way.
    """
    copies = keeper.blueprint.copies
    async with keeper.pool.acquire() as connection, rebuilding.alone(connection):
        await rebuilding.doubt(connection, copies)
        stated = 0
        for name in dict.fromkeys(copy.owner for copy in copies):
            async with open_service(name) as owner:
                stated += await _from_owner(keeper, owner, [copy for copy in copies if copy.owner == name], steps)
        set_aside = await rebuilding.in_the_way(connection, copies)
        let_go = LetGo(0, 0) if set_aside else await rebuilding.let_go(connection, copies)
    if keeper.blueprint.recompute is not None:
        async with keeper.work() as tx:
            await keeper.blueprint.recompute(tx)
    return Rebuilt(stated, let_go, set_aside)


async def _from_owner(keeper: Service, owner: Service, copies: Sequence[Copy], steps: Steps) -> int:
    """Have an owner announce, and wait until the keeper has taken it in; how many things there were."""
    events = {copy.event for copy in copies}
    announcements = [one for one in owner.blueprint.announcements if one.event in events]
    async with owner.pool.acquire() as of_owner, keeper.pool.acquire() as of_keeper:
        before = await announcing.position(of_owner)
        stated = sum((await state_again(owner, announcements, steps)).values())
        if owner.name == keeper.name:
            return stated  # an owner's own copy is kept in the transaction that states the thing
        name, done, moved = f"{keeper.name} reads {owner.name}", 0, time.monotonic()
        steps.step(name, 0, stated)
        after = await announcing.position(of_owner)
        async for more in rebuilding.taken_in(of_owner, of_keeper, copies, before, after):
            done += more
            if more:
                moved = time.monotonic()
                steps.step(name, done, max(done, stated))
            elif time.monotonic() - moved > _PATIENCE_S:
                moved = time.monotonic()
                steps.note(f"Nothing moves: do {owner.name}'s relay, the broker and {keeper.name}'s worker run?")
    return stated
