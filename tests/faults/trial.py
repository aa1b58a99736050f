"""A fault under load: the load runs, the fault happens, the way of an event is timed, and the record is compared."""

import asyncio
import contextlib
import datetime as dt
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS
from tests.faults.checker import Tolerance, check_snapshot
from tests.faults.load import RATE, SHORT_RATE, Load, LoadClients, now
from tests.faults.report import FaultResult
from tests.faults.snapshot import is_quiescent, take_snapshot
from tests.faults.stack_fixture import FaultStack
from tests.support.log_tail import LogTail
from tests.support.polling import until

ACTIVITY_EVENTS = {"api": "answered", "worker": "consumed", "relay": "published", "gateway": "executed"}
"""What a process logs when it works, by its role."""

_RECOVERY_S = 90.0
_QUIESCENCE_S = 120.0
_POLL_S = 0.1
"""A look signs in at databases: many would take the cores from what is to recover."""


class Trial:
    """One fault, or several together."""

    def __init__(
        self,
        house: FaultStack,
        people: LoadClients,
        notes: Path,
        report_result: Callable[[FaultResult], None],
        full: bool,
    ) -> None:
        self.fault_stack = house
        self.stack = house.stack
        self.people = people
        self.full = full
        self.recoveries: list[float] = []
        self.passed = False
        """Whether the last look at the house found nothing wrong."""
        self.notes = notes
        self._tell = report_result

    @contextlib.asynccontextmanager
    async def under_load(self, done: str) -> AsyncIterator[None]:
        """Have the load run for the length of a block; afterwards nothing may be lost, doubled or swapped."""
        self.passed = False
        load = self.load()
        before = len(self.fault_stack.record)
        async with load.run():
            await until(lambda: asyncio.sleep(0, len(self.fault_stack.record) - before), lambda sent: sent > 20)
            yield
        await self.check()
        self._tell(FaultResult(done, tuple(self.recoveries), load.sent, load.per_second))

    def load(self) -> Load:
        """The load of this trial, not yet at work."""
        return Load(self.people, self.fault_stack.record, self.fault_stack.stock, RATE if self.full else SHORT_RATE)

    async def await_recovery(self, began: float | None = None) -> float:
        """Wait until a command that was sent from now on has gone all the way, and note the seconds.

        They count from the fault's end: from now, or from ``began`` (``time.monotonic()``) where it ended by itself.
        All the way is through the gateway, an api, the database, the relay, the broker and a worker into the figures;
        to a ticket; and to an event at a subscriber.
        """
        since, began = now(), began or time.monotonic()
        await until(lambda: self._missing(since), lambda missing: not missing, within=_RECOVERY_S, every=_POLL_S)
        self.recoveries.append(time.monotonic() - began)
        return self.recoveries[-1]

    async def await_quiescence(self) -> None:
        """Wait until everything that was announced has its effects."""
        await until(
            lambda: _is_true_when_available(lambda: is_quiescent(self.fault_stack)), within=_QUIESCENCE_S, every=_POLL_S
        )

    async def check(self) -> None:
        """Wait until all is quiet, and hold the record against the house."""
        await self.await_quiescence()
        allowed = Tolerance(
            dead_letters=self.fault_stack.expected_dead_letters,
            mail_repeats=self.fault_stack.allowed_mail_repeats,
            restored=self.fault_stack.restored,
        )

        async def findings() -> list[str]:
            return check_snapshot(self.fault_stack.record, await take_snapshot(self.fault_stack, self.notes), allowed)

        self.passed = False
        end = time.monotonic() + _QUIESCENCE_S
        while found := await findings():
            if time.monotonic() > end:
                raise AssertionError("\n".join(found[:20]))
            await asyncio.sleep(0.5)
        self.passed = True

    async def kill_while_working(self, process: str) -> float:
        """Kill a process in the moment in which its log shows that it works, and wait until it is back and ready.

        When it was killed (``time.monotonic()``).
        """
        sign = ACTIVITY_EVENTS[process.rpartition("-")[2]]
        log, pid = LogTail(self.stack.home.log(process)), self.stack.pid(process)
        events: list[object] = []

        async def idle() -> str:
            fresh = [line.get("event") for line in log.new_lines()]
            events.extend(fresh)
            return "" if sign in fresh else f"{process} logs no {sign!r}"

        await until(idle, lambda trouble: not trouble)
        self.stack.kill(process)
        killed = time.monotonic()
        await self.await_restart(process, pid)
        events += [line.get("event") for line in log.new_lines()]
        assert events.count("stopped") == 0, f"{process} ended without a goodbye"
        assert events.count("started") == 1, f"{process} began again"
        return killed

    async def await_restart(self, process: str, before: int) -> None:
        """Wait until a process runs again, as another one than ``before``, and is ready."""

        async def trouble() -> str:
            there = await asyncio.to_thread(self.stack.restarted, process, before)
            return "" if there else f"{process} is not ready again"

        await until(trouble, lambda found: not found, every=_POLL_S)

    async def _missing(self, since: dt.datetime) -> list[str]:
        """Where nothing that was sent since then has arrived yet."""
        counted = "SELECT EXISTS (SELECT FROM pickups WHERE done_at > $1)"
        opened = "SELECT EXISTS (SELECT FROM tickets WHERE opened_at > $1)"
        heard = self._last_received()
        arrived = {
            "a pickup in stats": await self._holds("stats", counted, since),
            "a ticket": await self._holds("support", opened, since),
            "an event at a subscriber": heard is not None and heard > since,
        }
        return [what for what, is_there in arrived.items() if not is_there]

    async def _holds(self, service: str, query: str, since: dt.datetime) -> bool:
        async def ask() -> bool:
            connection = await asyncpg.connect(self.fault_stack.database_url(service), timeout=5)
            try:
                return bool(await connection.fetchval(query, since))
            finally:
                await connection.close()

        return await _is_true_when_available(ask)

    def _last_received(self) -> dt.datetime | None:
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


async def _is_true_when_available(look: Callable[[], Awaitable[bool]]) -> bool:
    """No where the database is away just now."""
    try:
        return await look()
    except (*TRANSIENT_DATABASE_ERRORS, asyncpg.PostgresError):
        return False
