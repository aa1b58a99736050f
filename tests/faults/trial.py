"""A fault under load: the load runs, the fault happens, the recovery is timed, and the record is compared."""

import asyncio
import contextlib
import datetime as dt
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS
from tests.faults.checker import Tolerance, check_snapshot
from tests.faults.databases import OpenDatabases
from tests.faults.load import RATE, SHORT_RATE, Load, LoadClients, now
from tests.faults.report import FaultResult
from tests.faults.snapshot import take_snapshot, unfinished_work
from tests.faults.stack_fixture import FaultStack
from tests.support.log_tail import LogTail
from tests.support.polling import until

ACTIVITY_EVENTS = {
    "api": "request completed",
    "worker": "consumed",
    "relay": "published",
    "jobs": "mail sent",
    "gateway": "executed",
}
"""Log event of a working process, by its role."""

_RECOVERY_S = 90.0
_QUIESCENCE_S = 120.0
_POLL_S = 0.1
"""Interval of polls: more of them would slow down the recovery."""


class Trial:
    """Trial of one fault, or of several together."""

    def __init__(
        self,
        fault_stack: FaultStack,
        clients: LoadClients,
        subscriber_logs: Path,
        report_result: Callable[[FaultResult], None],
        full: bool,
    ) -> None:
        self.fault_stack = fault_stack
        self.stack = fault_stack.stack
        self.clients = clients
        self.full = full
        self.recoveries: list[float] = []
        self.passed = False
        """Whether the last check of the stack had no findings."""
        self.subscriber_logs = subscriber_logs
        self._databases = OpenDatabases(fault_stack.database_url)
        self._report_result = report_result

    @contextlib.asynccontextmanager
    async def under_load(self, fault: str) -> AsyncIterator[None]:
        """Run the load for the length of a block; afterwards nothing may be lost, doubled or swapped."""
        self.passed = False
        load = self.load()
        before = len(self.fault_stack.record)
        async with load.run():
            await until(lambda: asyncio.sleep(0, len(self.fault_stack.record) - before), lambda sent: sent > 20)
            yield
        await self.check()
        self._report_result(FaultResult(fault, tuple(self.recoveries), load.sent, load.per_second))

    def load(self) -> Load:
        """Return the load of this trial, not started yet."""
        return Load(self.clients, self.fault_stack.record, self.fault_stack.stock, RATE if self.full else SHORT_RATE)

    async def await_recovery(self, ended_at: float | None = None) -> float:
        """Wait until a command that is sent from now on has all its effects, and record the seconds.

        They count from the end of the fault: now, or ``ended_at`` (``time.monotonic()``) if it ended by itself.
        The effects are figures, by way of the gateway, an api, the database, the relay, the broker and a worker; a
        ticket; and an event at a subscriber.
        """
        since, ended_at = now(), ended_at or time.monotonic()
        await until(lambda: self._missing(since), lambda missing: not missing, within=_RECOVERY_S, every=_POLL_S)
        self.recoveries.append(time.monotonic() - ended_at)
        return self.recoveries[-1]

    async def await_quiescence(self) -> None:
        """Wait until every emitted event has its effects."""

        async def unfinished() -> list[str]:
            try:
                async with self._databases.connected() as databases:
                    return await unfinished_work(databases)
            except (*TRANSIENT_DATABASE_ERRORS, asyncpg.PostgresError) as error:
                return [f"the databases can't be read: {error!r}"]

        await until(unfinished, lambda work: not work, within=_QUIESCENCE_S, every=_POLL_S)

    async def check(self) -> None:
        """Wait for quiescence, and check the stack against the record."""
        await self.await_quiescence()
        tolerance = Tolerance(
            dead_letters=self.fault_stack.expected_dead_letters,
            mail_repeats=self.fault_stack.allowed_mail_repeats,
            restored=self.fault_stack.restored,
        )

        async def findings() -> list[str]:
            return check_snapshot(
                self.fault_stack.record, await take_snapshot(self.fault_stack, self.subscriber_logs), tolerance
            )

        self.passed = False
        deadline = time.monotonic() + _QUIESCENCE_S
        while current := await findings():
            if time.monotonic() > deadline:
                raise AssertionError("\n".join(current[:20]))
            await asyncio.sleep(0.5)
        self.passed = True

    async def kill_while_working(self, process: str) -> float:
        """Kill a process when its log shows that it works, and wait until it is ready again.

        Returns the time of the kill (``time.monotonic()``).
        """
        activity = ACTIVITY_EVENTS[process.rpartition("-")[2]]
        log, pid = LogTail(self.stack.home.log(process)), self.stack.pid(process)
        events: list[object] = []

        async def idle() -> str:
            fresh = [line.get("event") for line in log.new_lines()]
            events.extend(fresh)
            return "" if activity in fresh else f"{process} logs no {activity!r}"

        await until(idle, lambda trouble: not trouble)
        self.stack.kill(process)
        killed = time.monotonic()
        await self.await_restart(process, pid)
        events += [line.get("event") for line in log.new_lines()]
        assert events.count("stopped") == 0, f"{process} ended without a goodbye"
        assert events.count("started") == 1, f"{process} began again"
        return killed

    async def await_restart(self, process: str, before: int) -> None:
        """Wait until a process with another pid than ``before`` runs and is ready."""

        async def trouble() -> str:
            is_back = await asyncio.to_thread(self.stack.restarted, process, before)
            return "" if is_back else f"{process} is not ready again"

        await until(trouble, lambda trouble: not trouble, every=_POLL_S)

    async def _missing(self, since: dt.datetime) -> list[str]:
        """List the places that no command sent since then has reached yet."""
        counted = "SELECT EXISTS (SELECT FROM pickups WHERE done_at > $1)"
        opened = "SELECT EXISTS (SELECT FROM tickets WHERE opened_at > $1)"
        last_received = self._last_received()
        arrived = {
            "a pickup in stats": await self._holds("stats", counted, since),
            "a ticket": await self._holds("support", opened, since),
            "an event at a subscriber": last_received is not None and last_received > since,
        }
        return [place for place, is_there in arrived.items() if not is_there]

    async def _holds(self, service: str, query: str, since: dt.datetime) -> bool:
        """Return the result of a query; False while the databases are unavailable."""
        try:
            async with self._databases.connected() as databases:
                return bool(await databases[service].fetchval(query, since))
        except (*TRANSIENT_DATABASE_ERRORS, asyncpg.PostgresError):
            return False

    def close(self) -> None:
        """Close the connections to the databases."""
        self._databases.close()

    def _last_received(self) -> dt.datetime | None:
        """Return the time of the newest event at the subscribers to everything."""
        newest = None
        for number in range(2):
            with (self.subscriber_logs / f"{number:03}").open("rb") as log:
                log.seek(max(0, log.seek(0, 2) - 2000))
                for line in log.read().split(b"\n")[1:-1]:
                    if line.startswith(b'["event"'):
                        time_of = dt.datetime.fromisoformat(json.loads(line)[3])
                        newest = time_of if newest is None or time_of > newest else newest
        return newest
