"""The bytes of files after their rows: jobs that move and delete them, the sweep, and the reading of a kept file."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.chassis.db.postgres import Pool
from services.chassis.db.retention import delete_in_batches
from services.chassis.files import file_rows
from services.chassis.files.file_rows import DeleteFile, FileRow, MoveFile, UnknownFile
from services.chassis.files.store import FileMissing, FileStore
from services.chassis.jobs import queue
from services.chassis.jobs.job import Job, JobHandler, JobRun
from services.chassis.jobs.schedule import Recurring
from services.chassis.runtime.clock import Clock
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

_BATCH_ROWS = 500
_IS_KEPT = "SELECT true FROM chassis.files WHERE id = $1 AND state = 'kept'"
_IS_DELETED = "SELECT true FROM chassis.files WHERE id = $1 AND state = 'deleted'"
_FORGET = "DELETE FROM chassis.files WHERE id = $1 AND state = 'deleted'"

# A restored database lacks the last changes of files, whose bytes may still be pending: staff have a week to restore a
# later backup. The relay notices a restore and begins a new generation, but perhaps after the first sweep, which finds
# that the last one was long ago. Ages are by the database's clock and the store's, which Kierto's own does not move.
_NOTE_SWEEP = """
    UPDATE chassis.file_sweep s SET generation = l.generation, swept_at = clock_timestamp(), since = CASE
        WHEN s.generation = l.generation AND s.swept_at > clock_timestamp() - interval '3 hours' THEN s.since
        ELSE clock_timestamp()
    END
    FROM chassis.leader l
"""
_OLDEST_PENDING = """
    SELECT clock_timestamp() - interval '1 day' FROM chassis.file_sweep
    WHERE since <= clock_timestamp() - interval '7 days'
"""
_DELETE_PENDING = """
    DELETE FROM chassis.files WHERE id IN (
        SELECT id FROM chassis.files WHERE state = 'pending' AND created_at < $1
        ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
    )
"""
_WITHOUT_ROW = """
    SELECT id FROM unnest($1::uuid[]) AS object (id)
    WHERE NOT EXISTS (SELECT FROM chassis.files f WHERE f.id = object.id)
"""


class SweepFiles(Job, frozen=True, kw_only=True, tag="sweep-files"):
    """The job that deletes pending files after a day, and files whose time is over."""


SWEEP_RECURRING = Recurring(job=SweepFiles(), every=dt.timedelta(hours=1))


class OpenFile(msgspec.Struct, frozen=True):
    """A kept file that is being read."""

    row: FileRow
    """Its type and its length, among others."""
    chunks: AsyncIterator[bytes]


class FileStorage:
    """The kept files of one service."""

    def __init__(self, pool: Pool, store: FileStore, clock: Clock) -> None:
        self._pool = pool
        self._store = store
        self._clock = clock

    def job_handlers(self) -> Sequence[JobHandler[Any]]:
        """Return the handlers of the jobs of files."""
        return (
            JobHandler(MoveFile, self.move),
            JobHandler(DeleteFile, self.delete),
            JobHandler(SweepFiles, self.sweep, concurrency=1, held=False),
        )

    async def open(self, file_id: UUID) -> OpenFile:
        """Open a kept file; raise UnknownFile, or FileMissing if the store has lost it.

        The service that owns the file's thing has authorised its reader.
        """
        row = (await self.find([file_id])).get(file_id)
        if row is None:
            raise UnknownFile(str(file_id))
        try:
            return OpenFile(row, await self._store.read(file_id))
        except FileMissing:
            _log.error("file missing", id=str(file_id))
            raise

    async def find(self, ids: Collection[UUID]) -> Mapping[UUID, FileRow]:
        """Return those of the files that are kept, by their ids."""
        return await file_rows.find_kept(self._pool, ids, self._clock.now())

    async def move(self, job: MoveFile, run: JobRun) -> None:
        """Move a kept file's bytes; a repetition changes nothing."""
        if not await self._pool.fetchval(_IS_KEPT, job.file_id):
            return
        try:
            await self._store.move(job.file_id)
        except FileMissing:
            if await self._pool.fetchval(_IS_KEPT, job.file_id):
                raise
        if not await self._pool.fetchval(_IS_KEPT, job.file_id):  # deleted meanwhile: perhaps while it was moved
            await self._store.delete(job.file_id)

    async def delete(self, job: DeleteFile, run: JobRun) -> None:
        """Delete a deleted file's bytes, and then its row; a repetition changes nothing."""
        if await self._pool.fetchval(_IS_DELETED, job.file_id):
            await self._store.delete(job.file_id)
            await self._pool.execute(_FORGET, job.file_id)

    async def sweep(self, job: SweepFiles, run: JobRun) -> None:
        """Delete files whose time is over, and pending ones after a day, until none is left or the process stops.

        Pending ones are left alone for seven days after a new generation of the log, and after three hours without a
        sweep.
        """
        await self._expire(run.stop)
        await self._pool.execute(_NOTE_SWEEP)
        before = await self._pool.fetchval(_OLDEST_PENDING)
        if before is not None:
            await self._sweep_pending(before, run.stop)

    async def _expire(self, stop: asyncio.Event) -> None:
        now = self._clock.now()
        while not stop.is_set():
            async with self._pool.acquire() as connection, connection.transaction():
                jobs = await file_rows.expire(connection, now, _BATCH_ROWS)
                await queue.enqueue(connection, jobs)
            if not jobs:
                return

    async def _sweep_pending(self, before: dt.datetime, stop: asyncio.Event) -> None:
        # The rows go first: from then on no transaction keeps one of these files.
        await delete_in_batches(self._pool, stop, _DELETE_PENDING, before, _BATCH_ROWS)
        await self._store.delete_unfinished(before)
        deleted = 0
        async for ids in self._store.list_pending(before):
            for row in await self._pool.fetch(_WITHOUT_ROW, ids):
                await self._store.delete_pending(row["id"])
                deleted += 1
            if stop.is_set():
                break
        if deleted:
            _log.info("pending files deleted", files=deleted)
