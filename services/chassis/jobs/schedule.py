"""Recurring jobs, and rows with a due time. One tick a minute enqueues the jobs that are due.

The library's own times serve repetitions alone: they follow the database's clock, and Kierto's clock can be moved.
"""

import asyncio
import datetime as dt
import time
import zoneinfo
from collections.abc import Callable, Sequence

import msgspec

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, DatabaseConnection, Pool, Row
from services.chassis.jobs import queue
from services.chassis.jobs.job import Job, name_of
from services.chassis.runtime.clock import Clock
from services.chassis.runtime.pause import pause
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

TICK_S = 60
_CLOCK_CHECK_S = 0.25
"""The interval at which the clock is compared with the machine's, so that a moved clock is followed at once."""
_CLOCK_JUMP = dt.timedelta(seconds=1)
_DUE_ROWS = 5000
"""Rows of one table that are enqueued in one tick."""

_ADD_RECURRING = """
    INSERT INTO chassis.recurring_jobs (name, due_at) SELECT name, $2 FROM unnest($1::text[]) AS job (name)
    ON CONFLICT DO NOTHING
"""
# One due later than its next occurrence was put there by a clock that has been moved back since.
_DUE_RECURRING = """
    SELECT name, next
    FROM chassis.recurring_jobs JOIN unnest($1::text[], $3::timestamptz[]) AS job (name, next) USING (name)
    WHERE due_at <= $2 OR due_at > next ORDER BY name FOR UPDATE OF recurring_jobs SKIP LOCKED
"""
_SET_NEXT = "UPDATE chassis.recurring_jobs SET due_at = $2 WHERE name = $1"


class Recurring(msgspec.Struct, frozen=True, kw_only=True):
    """A job that runs again and again: every so often, or daily at a local time of the operator's zone."""

    job: Job
    every: dt.timedelta | None = None
    daily_at: dt.time | None = None

    def next_after(self, now: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
        """Return the next occurrence. A local time that a day lacks or has twice counts once (PEP 495, fold 0)."""
        if self.every is not None:
            return now + self.every
        assert self.daily_at is not None, "a recurring job has a period or a time of day"
        today = now.astimezone(zone).date()
        occurrences = [
            dt.datetime.combine(today + dt.timedelta(days=days), self.daily_at, zone).astimezone(dt.UTC)
            for days in range(2)
        ]
        return next(occurrence for occurrence in occurrences if occurrence > now)


class DueRows(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table that have a job at their time. The job clears or moves the row's due time with its result."""

    query: str
    """Selects the due rows' ids, by an index in the order of their times: $1 the present time, $2 their number."""
    job: Callable[[Row], Job]


class JobSchedule:
    """The recurring jobs and the due rows of one service."""

    def __init__(self, pool: Pool, clock: Clock, recurring: Sequence[Recurring], due_rows: Sequence[DueRows]) -> None:
        self._pool = pool
        self._clock = clock
        self._recurring = {name_of(one.job): one for one in recurring}
        self._due_rows = due_rows

    async def run(self, stop: asyncio.Event) -> None:
        """Enqueue what is due, each minute and when the clock has been moved, until ``stop`` is set."""
        while not stop.is_set():
            try:
                await self.tick()
            except TRANSIENT_DATABASE_ERRORS as error:
                _log.warning("schedule waiting for database", error=type(error).__name__)
                await pause(stop, _CLOCK_CHECK_S)
                continue
            await self._until_next_tick(stop)

    async def tick(self) -> None:
        """Enqueue the jobs that are due and neither queued nor held already."""
        now = self._clock.now()
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                enqueued = await self._enqueue_recurring(connection, now)
            for due in self._due_rows:
                async with connection.transaction():
                    rows = await connection.fetch(due.query, now, _DUE_ROWS)
                    jobs = [due.job(row) for row in rows]
                    await queue.enqueue(connection, jobs, unique=True)
                enqueued += len(rows)
            if enqueued:
                await connection.execute(queue.WAKE_UP)

    async def _enqueue_recurring(self, connection: DatabaseConnection, now: dt.datetime) -> int:
        names = list(self._recurring)
        following = [self._recurring[name].next_after(now, self._clock.zone) for name in names]
        await connection.execute(_ADD_RECURRING, names, now)
        due = await connection.fetch(_DUE_RECURRING, names, now, following)
        await queue.enqueue(connection, [self._recurring[row["name"]].job for row in due], unique=True)
        await connection.executemany(_SET_NEXT, [(row["name"], row["next"]) for row in due])
        return len(due)

    async def _until_next_tick(self, stop: asyncio.Event) -> None:
        until, offset = time.monotonic() + TICK_S, self._offset()
        while not stop.is_set() and time.monotonic() < until and abs(self._offset() - offset) < _CLOCK_JUMP:
            await pause(stop, _CLOCK_CHECK_S)

    def _offset(self) -> dt.timedelta:
        return self._clock.now() - dt.datetime.now(dt.UTC)
