"""Copies of a service's things in other services: announcement by the owner, rebuild by the service with the copies."""

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
    """Receiver of the progress of a long command."""

    def step(self, name: str, done: int, total: int) -> None: ...

    def note(self, text: str) -> None: ...


class DetachedService(msgspec.Struct, frozen=True):
    """A service without its processes: its blueprint, its database, its unit of work."""

    blueprint: Blueprint[Any, Any]
    pool: Pool
    work: UnitOfWork[Any]

    @property
    def name(self) -> str:
        return self.blueprint.name


OpenService = Callable[[str], contextlib.AbstractAsyncContextManager[DetachedService]]
"""Opener of a service by its name."""


class RebuildResult(msgspec.Struct, frozen=True):
    """Result of a rebuild."""

    announced: int
    """Number of things that the owners announced."""
    purged: PurgeResult
    dead_letters: int
    """Number of announcements among the dead letters. Nothing is purged before they are handled: they may state it."""


async def announce_all(
    owner: DetachedService, announcements: Sequence[Announcement[Any]], progress: ProgressReporter
) -> dict[str, int]:
    """Have an owner announce all things of these kinds; return the number of each."""
    announced = dict[str, int]()
    for announcement in announcements:
        async with owner.pool.acquire() as connection:
            total = await announcing.count(connection, announcement)
        name, done = f"{owner.name} {announcement.entity}", 0
        progress.step(name, 0, total)
        async for count in announcing.announce(owner.work, announcement):
            done += count
            progress.step(name, done, max(done, total))
        announced[announcement.entity] = done
    return announced


async def rebuild(keeper: DetachedService, open_service: OpenService, progress: ProgressReporter) -> RebuildResult:
    """Bring all copies of a service to their owners' state, and recompute the data derived from them.

    It may be interrupted and repeated at any time, while everything runs. Raises RebuildInProgress if one is under way.
    """
    copies = keeper.blueprint.copies
    async with keeper.pool.acquire() as connection, copies_rebuild.rebuild_lock(connection):
        await copies_rebuild.mark_stale(connection, copies)
        announced = 0
        for name in dict.fromkeys(copy.owner for copy in copies):
            async with open_service(name) as owner:
                announced += await _rebuild_from_owner(
                    keeper, owner, [copy for copy in copies if copy.owner == name], progress
                )
        dead_letters = await copies_rebuild.count_dead_letters(connection, copies)
        purged = PurgeResult(0, 0) if dead_letters else await copies_rebuild.purge_stale(connection, copies)
    if keeper.blueprint.recompute is not None:
        async with keeper.work() as tx:
            await keeper.blueprint.recompute(tx)
    return RebuildResult(announced, purged, dead_letters)


async def _rebuild_from_owner(
    keeper: DetachedService, owner: DetachedService, copies: Sequence[Copy], progress: ProgressReporter
) -> int:
    """Have an owner announce, and wait until the keeper has handled the events; return the number of things."""
    events = {copy.event for copy in copies}
    announcements = [item for item in owner.blueprint.announcements if item.event in events]
    async with owner.pool.acquire() as of_owner, keeper.pool.acquire() as of_keeper:
        before = await announcing.outbox_end(of_owner)
        announced = sum((await announce_all(owner, announcements, progress)).values())
        if owner.name == keeper.name:
            return announced  # an owner's own copy is kept in the transaction that states the thing
        name, done, last_change = f"{keeper.name} reads {owner.name}", 0, time.monotonic()
        progress.step(name, 0, announced)
        after = await announcing.outbox_end(of_owner)
        async for count in copies_rebuild.wait_until_handled(of_owner, of_keeper, copies, before, after):
            done += count
            if count:
                last_change = time.monotonic()
                progress.step(name, done, max(done, announced))
            elif time.monotonic() - last_change > _STALL_WARNING_S:
                last_change = time.monotonic()
                progress.note(f"Nothing moves: do {owner.name}'s relay, the broker and {keeper.name}'s worker run?")
    return announced
