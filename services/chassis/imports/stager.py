"""The staging of an import: one COPY brings the rows of its file into the database, all or none."""

import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic, TypeVar

from services.chassis.db.postgres import Pool
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.files.file_rows import UnknownFile
from services.chassis.files.service_files import ServiceFiles
from services.chassis.files.storage import OpenFile
from services.chassis.files.store import FileMissing
from services.chassis.imports.export_files import ImportKind, InvalidFile, StagedRow, staged_rows
from services.chassis.imports.finisher import ImportFinisher
from services.chassis.imports.parked_imports import PARKED_WAIT_S, ParkedImports
from services.chassis.imports.runner import IS_CANCELLED, RunImport
from services.chassis.jobs.job import Job, JobRun, RunAgain
from services.contracts.bulk_operations import BulkOperationState

T = TypeVar("T", bound=Transaction)

_STAGING_TIMEOUT_S = 3600
"""Time that the COPY of a file may take: 200 MB of the smallest rows at 3,000 rows a second."""

_TO_STAGE = f"""
    SELECT kind, file_id, {IS_CANCELLED} FROM chassis.imports i WHERE id = $1 AND state = 'RUNNING' AND NOT rows_staged
"""
# A lock that lets a cancellation refer to the import.
_LOCK_TO_STAGE = f"{_TO_STAGE} FOR NO KEY UPDATE SKIP LOCKED"
# The time for which rows wait begins with the first that can.
_STAGED = """
    UPDATE chassis.imports SET total = $2, failed = $3, rows_staged = true, rows_wait_since = clock_timestamp()
    WHERE id = $1
"""


class StageImport(Job, frozen=True, kw_only=True, tag="stage-import"):
    """The job that stages the rows of a started import."""

    import_id: uuid.UUID


class ImportStager(Generic[T]):
    """Stager of the imports of one service."""

    def __init__(
        self,
        pool: Pool,
        work: UnitOfWork[T],
        kinds: Mapping[str, ImportKind[T, Any]],
        files: ServiceFiles,
        parked: ParkedImports,
        finisher: ImportFinisher,
    ) -> None:
        self._pool = pool
        self._work = work
        self._kinds = kinds
        self._files = files
        self._parked = parked
        self._finisher = finisher

    async def stage(self, job: StageImport, run: JobRun) -> None:
        """Stage the rows of a started import, and enqueue the job that applies them; a second run changes nothing.

        One COPY in one transaction stages the whole file or nothing.
        """
        await self._parked.log()
        found = await self._pool.fetchrow(_TO_STAGE, job.import_id)
        if found is None:
            return
        if found["cancelled"]:
            await self._finisher.finish(job.import_id, BulkOperationState.CANCELLED)
            return
        kind = self._kinds.get(found["kind"])
        if kind is None:
            raise RunAgain(PARKED_WAIT_S)
        try:
            file = await self._files.storage.open(found["file_id"])
            await self._copy_rows(job.import_id, kind, file, run)
        except (UnknownFile, FileMissing, InvalidFile):
            await self._finisher.fail(job.import_id)

    async def _copy_rows(self, import_id: uuid.UUID, kind: ImportKind[T, Any], file: OpenFile, run: JobRun) -> None:
        total, failed = 0, 0

        async def records() -> AsyncIterator[tuple[Any, ...]]:
            nonlocal total, failed
            async for row in staged_rows(kind, file.chunks):
                if run.stop.is_set():
                    raise RunAgain
                total += 1
                failed += row.state == "BAD"
                yield (import_id, *row)

        async with self._work() as tx:
            if await tx.connection.fetchrow(_LOCK_TO_STAGE, import_id) is None:
                raise RunAgain(PARKED_WAIT_S)  # another run of the job stages it, or has done so
            await tx.connection.copy_records_to_table(
                "import_rows",
                schema_name="chassis",
                columns=["import_id", *StagedRow._fields],
                records=records(),
                timeout=_STAGING_TIMEOUT_S,
            )
            await tx.connection.execute(_STAGED, import_id, total, failed)
            tx.enqueue(RunImport(import_id=import_id))
