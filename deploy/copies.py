"""One service's things in the copies of others: stated again by their owner, rebuilt by who keeps them."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from services.chassis.db.postgres import Pool
from services.chassis.events.copies import announcement as announcing
from services.chassis.events.copies import rebuild as copies_rebuild
from services.chassis.events.copies.announcement import Announcement
from services.chassis.events.copies.rebuild import Copy, PurgeResult
from services.chassis.events.transaction import UnitOfWork
from services.hosting.blueprint import Blueprint

_STALL_WARNING_S = 15.0


class ProgressReporter(Protocol):
    """Who is told how far things are."""

    def step(self, name: str, done: int, total: int) -> None: ...

    def note(self, text: str) -> None: ...


class DetachedService(msgspec.Struct, frozen=True):
    """A service without its processes: how it describes itself, its database, its unit of work."""

    blueprint: Blueprint[Any, Any]
    pool: Pool
    work: UnitOfWork[Any]

    @property
    def name(self) -> str:
        return self.blueprint.name


OpenService = Callable[[str], contextlib.AbstractAsyncContextManager[DetachedService]]
"""Opens the service of a name."""


class RebuildResult(msgspec.Struct, frozen=True):
    """What came of a rebuild.

    ``set_aside`` is how many events that state things lie among the dead letters: as long as there are any, nothing is
    let go, for it may be what they state.
    """

    stated: int
    let_go: PurgeResult
    dead_letters: int


async def announce_all(
    owner: DetachedService, announcements: Sequence[Announcement[Any]], steps: ProgressReporter
) -> dict[str, int]:
    """Have an owner state every thing of these kinds; how many of each there were."""
    stated = dict[str, int]()
    for announcement in announcements:
        async with owner.pool.acquire() as connection:
            total = await announcing.count(connection, announcement)
        name, done = f"{owner.name} {announcement.entity}", 0
        steps.step(name, 0, total)
        async for more in announcing.announce(owner.work, announcement):
            done += more
            steps.step(name, done, max(done, total))
        stated[announcement.entity] = done
    return stated


async def rebuild(keeper: DetachedService, open_service: OpenService, steps: ProgressReporter) -> RebuildResult:
    """Bring every copy that a service keeps to what the owners have, and what it computes from copies to what they say.

    It may be broken off and begun anew at any time, and while everything runs. RebuildingAlready if it is under way.
    """
    copies = keeper.blueprint.copies
    async with keeper.pool.acquire() as connection, copies_rebuild.rebuild_lock(connection):
        await copies_rebuild.mark_stale(connection, copies)
        stated = 0
        for name in dict.fromkeys(copy.owner for copy in copies):
            async with open_service(name) as owner:
                stated += await _rebuild_from_owner(
                    keeper, owner, [copy for copy in copies if copy.owner == name], steps
                )
        set_aside = await copies_rebuild.count_dead_letters(connection, copies)
        let_go = PurgeResult(0, 0) if set_aside else await copies_rebuild.purge_stale(connection, copies)
    if keeper.blueprint.recompute is not None:
        async with keeper.work() as tx:
            await keeper.blueprint.recompute(tx)
    return RebuildResult(stated, let_go, set_aside)


async def _rebuild_from_owner(
    keeper: DetachedService, owner: DetachedService, copies: Sequence[Copy], steps: ProgressReporter
) -> int:
    """Have an owner announce, and wait until the keeper has taken it in; how many things there were."""
    events = {copy.event for copy in copies}
    announcements = [one for one in owner.blueprint.announcements if one.event in events]
    async with owner.pool.acquire() as of_owner, keeper.pool.acquire() as of_keeper:
        before = await announcing.outbox_end(of_owner)
        stated = sum((await announce_all(owner, announcements, steps)).values())
        if owner.name == keeper.name:
            return stated  # an owner's own copy is kept in the transaction that states the thing
        name, done, moved = f"{keeper.name} reads {owner.name}", 0, time.monotonic()
        steps.step(name, 0, stated)
        after = await announcing.outbox_end(of_owner)
        async for more in copies_rebuild.wait_until_handled(of_owner, of_keeper, copies, before, after):
            done += more
            if more:
                moved = time.monotonic()
                steps.step(name, done, max(done, stated))
            elif time.monotonic() - moved > _STALL_WARNING_S:
                moved = time.monotonic()
                steps.note(f"Nothing moves: do {owner.name}'s relay, the broker and {keeper.name}'s worker run?")
    return stated
