"""A fault under load: the load runs, the fault happens, the way of an event is timed, and the record is compared."""

import asyncio
import contextlib
import datetime as dt
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg

from services.chassis.postgres import NO_ONES_FAULT
from tests.faults.checker import Allowed, check
from tests.faults.house import House
from tests.faults.load import RATE, RATE_OF_SHORT_FORM, Load, People, now
from tests.faults.picture import at_rest, take_picture
from tests.faults.report import Line
from tests.support.log_tail import LogTail
from tests.support.wait import until

SIGNS = {"api": "answered", "worker": "consumed", "relay": "published", "gateway": "executed"}
"""What a process logs when it works, by its role."""

_RECOVERY_S = 90.0
_QUIET_S = 120.0
_LOOK_S = 0.1
"""A look signs in at databases: many would take the cores from what is to recover."""


class Trial:
    """One fault, or several together."""

    def __init__(self, house: House, people: People, notes: Path, tell: Callable[[Line], None], full: bool) -> None:
        self.house = house
        self.stack = house.stack
        self.people = people
        self.full = full
        self.recoveries: list[float] = []
        self.found_right = False
        """Whether the last look at the house found nothing wrong."""
        self.notes = notes
        self._tell = tell

    @contextlib.asynccontextmanager
    async def under_load(self, done: str) -> AsyncIterator[None]:
        """Have the load run for the length of a block; afterwards nothing may be lost, doubled or swapped."""
        self.found_right = False
        load = self.load()
        before = len(self.house.record)
        async with load.at_work():
            await until(lambda: asyncio.sleep(0, len(self.house.record) - before), lambda sent: sent > 20)
            yield
        await self.check()
        self._tell(Line(done, tuple(self.recoveries), load.sent, load.per_second))

    def load(self) -> Load:
        """The load of this trial, not yet at work."""
        return Load(self.people, self.house.record, self.house.stock, RATE if self.full else RATE_OF_SHORT_FORM)

    async def recovered(self, began: float | None = None) -> float:
        """Wait until a command that was sent from now on has gone all the way, and note the seconds.

        They count from the fault's end: from now, or from ``began`` (``time.monotonic()``) where it ended by itself.
        All the way is through the gateway, an api, the database, the relay, the broker and a worker into the figures;
        to a ticket; and to an event at a subscriber.
        """
        since, began = now(), began or time.monotonic()
        await until(lambda: self._missing(since), lambda missing: not missing, within=_RECOVERY_S, every=_LOOK_S)
        self.recoveries.append(time.monotonic() - began)
        return self.recoveries[-1]

    async def quiet(self) -> None:
        """Wait until everything that was announced has its effects."""
        await until(lambda: _tried(lambda: at_rest(self.house)), within=_QUIET_S, every=_LOOK_S)

    async def check(self) -> None:
        """Wait until all is quiet, and hold the record against the house."""
        await self.quiet()
        allowed = Allowed(
            letters=self.house.letters_planted,
            mail_repeats=self.house.mail_repeats_allowed,
            restored=self.house.restored,
        )

        async def findings() -> list[str]:
            return check(self.house.record, await take_picture(self.house, self.notes), allowed)

        self.found_right = False
        end = time.monotonic() + _QUIET_S
        while found := await findings():
            if time.monotonic() > end:
                raise AssertionError("\n".join(found[:20]))
            await asyncio.sleep(0.5)
        self.found_right = True

    async def kill_at_work(self, process: str) -> float:
        """Kill a process in the moment in which its log shows that it works, and wait until it is back and ready.

        When it was killed (``time.monotonic()``).
        """
        sign = SIGNS[process.rpartition("-")[2]]
        log, pid = LogTail(self.stack.home.log(process)), self.stack.pid(process)
        events: list[object] = []

        async def idle() -> str:
            fresh = [line.get("event") for line in log.new()]
            events.extend(fresh)
            return "" if sign in fresh else f"{process} logs no {sign!r}"

        await until(idle, lambda trouble: not trouble)
        self.stack.kill(process)
        killed = time.monotonic()
        await self.back(process, pid)
        events += [line.get("event") for line in log.new()]
        assert events.count("stopped") == 0, f"{process} ended without a goodbye"
        assert events.count("started") == 1, f"{process} began again"
        return killed

    async def back(self, process: str, before: int) -> None:
        """Wait until a process runs again, as another one than ``before``, and is ready."""

        async def trouble() -> str:
            there = await asyncio.to_thread(self.stack.restarted, process, before)
            return "" if there else f"{process} is not ready again"

        await until(trouble, lambda found: not found, every=_LOOK_S)

    async def _missing(self, since: dt.datetime) -> list[str]:
        """Where nothing that was sent since then has arrived yet."""
        counted = "SELECT EXISTS (SELECT FROM pickups WHERE done_at > $1)"
        opened = "SELECT EXISTS (SELECT FROM tickets WHERE opened_at > $1)"
        heard = self._last_heard()
        arrived = {
            "a pickup in stats": await self._holds("stats", counted, since),
            "a ticket": await self._holds("support", opened, since),
            "an event at a subscriber": heard is not None and heard > since,
        }
        return [what for what, is_there in arrived.items() if not is_there]

    async def _holds(self, service: str, query: str, since: dt.datetime) -> bool:
        async def ask() -> bool:
            connection = await asyncpg.connect(self.house.database_url(service), timeout=5)
            try:
                return bool(await connection.fetchval(query, since))
            finally:
                await connection.close()

        return await _tried(ask)

    def _last_heard(self) -> dt.datetime | None:
        """The time of the newest event that a subscriber to everything has."""
        newest = None
        for number in range(2):
            with (self.notes / f"{number:03}").open("rb") as notes:
                notes.seek(max(0, notes.seek(0, 2) - 2000))
                for line in notes.read().split(b"\n")[1:-1]:
                    if line.startswith(b'["event"'):
                        time_of = dt.datetime.fromisoformat(json.loads(line)[3])
                        newest = time_of if newest is None or time_of > newest else newest
        return newest


async def _tried(look: Callable[[], Awaitable[bool]]) -> bool:
    """No where the database is away just now."""
    try:
        return await look()
    except (*NO_ONES_FAULT, asyncpg.PostgresError):
        return False
