"""Fan-out: the events of many things that one change concerns, page by page in a job after the change's commit.

A fan-out belongs to a kind of change and its subject; one that is started later takes the place of one that still runs.
A page and its position are one transaction, so a fan-out that was interrupted goes on where it was.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Generic, Protocol, TypeVar

from services.chassis.db.acknowledgement import ACKNOWLEDGED_SEQUENCE
from services.chassis.db.postgres import DatabaseConnection, Pool
from services.chassis.jobs.job import Job, JobRun, RunAgain


class TransactionWithConnection(Protocol):
    """A transaction of a unit of work, as far as a fan-out knows it."""

    connection: DatabaseConnection


T = TypeVar("T", bound=TransactionWithConnection)

PAGE_SIZE = 500
"""Things that are locked, and whose events are emitted, in one transaction."""
MAX_UNPUBLISHED = 5000
"""Unpublished events above which fan-outs wait: events of single changes must not queue behind them."""
_WAIT_S = 1.0
_FIRST = uuid.UUID(int=0)

_START = """
    INSERT INTO chassis.fan_outs (kind, subject, version, after)
    VALUES ($1, $2, nextval('chassis.fan_out_versions'), $3)
    ON CONFLICT (kind, subject) DO UPDATE SET version = excluded.version, after = excluded.after
    RETURNING version
"""
_LOCK = "SELECT after FROM chassis.fan_outs WHERE kind = $1 AND subject = $2 AND version = $3 FOR UPDATE"
_ADVANCE = "UPDATE chassis.fan_outs SET after = $3 WHERE kind = $1 AND subject = $2"
_FINISH = "DELETE FROM chassis.fan_outs WHERE kind = $1 AND subject = $2"
_UNPUBLISHED = f"""
    SELECT count(*) FROM (
        SELECT FROM chassis.outbox WHERE sequence IS NULL OR sequence > {ACKNOWLEDGED_SEQUENCE} LIMIT $1
    ) AS unpublished
"""


class RunFanOut(Job, frozen=True, kw_only=True, tag="run-fan-out"):
    """The job of one start of a fan-out."""

    kind: str
    subject: str
    version: int


EmitPage = Callable[[T, str, uuid.UUID, int], Awaitable[Sequence[uuid.UUID]]]
"""Emits the events of a subject's things after this id, at most so many, and returns their ids in order."""


async def start_fan_out(connection: DatabaseConnection, kind: str, subject: str) -> RunFanOut:
    """Start a fan-out in the transaction of its change, whose row is locked; return its job."""
    version: int = await connection.fetchval(_START, kind, subject, _FIRST)
    return RunFanOut(kind=kind, subject=subject, version=version)


class FanOutRunner(Generic[T]):
    """The handler of a service's fan-outs, by their kinds."""

    def __init__(
        self, pool: Pool, work: Callable[[], AbstractAsyncContextManager[T]], kinds: Mapping[str, EmitPage[T]]
    ) -> None:
        self._pool = pool
        self._work = work
        self._kinds = kinds

    async def run(self, job: RunFanOut, run: JobRun) -> None:
        """Emit page after page until the end, or until a later fan-out takes its place."""
        while not run.stop.is_set():
            if await self._pool.fetchval(_UNPUBLISHED, MAX_UNPUBLISHED + 1) > MAX_UNPUBLISHED:
                raise RunAgain(_WAIT_S)
            if not await self._emit_page(job):
                return
        raise RunAgain

    async def _emit_page(self, job: RunFanOut) -> bool:
        """Emit one page; return whether there may be another."""
        async with self._work() as tx:
            after = await tx.connection.fetchval(_LOCK, job.kind, job.subject, job.version)
            if after is None:
                return False
            ids = await self._kinds[job.kind](tx, job.subject, after, PAGE_SIZE)
            if len(ids) < PAGE_SIZE:
                await tx.connection.execute(_FINISH, job.kind, job.subject)
                return False
            await tx.connection.execute(_ADVANCE, job.kind, job.subject, ids[-1])
            return True
