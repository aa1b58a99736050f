"""Importer of export files: a CSV is kept, staged by COPY, then applied in batches, and bad rows are reported.

A kind of file is a Struct of its row and a function that applies rows; the rest is here. The uploaded file is kept, and
a job stages its rows from there (``stager``); another applies them (``runner``). A second import of the same file
changes nothing, since ``apply`` returns UNCHANGED.
"""

from collections.abc import AsyncIterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from services.chassis.db.postgres import Pool
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.files.media_type import MediaType
from services.chassis.files.service_files import ServiceFiles
from services.chassis.ids import find_id, new_uuid, write_id
from services.chassis.imports.export_files import ImportKind, RowCount
from services.chassis.imports.finisher import FILE_RETENTION, ImportFinisher
from services.chassis.imports.parked_imports import ParkedImports
from services.chassis.imports.queries import ImportQueries
from services.chassis.imports.runner import ImportRunner, RunImport
from services.chassis.imports.stager import ImportStager, StageImport
from services.chassis.jobs.job import AnyJobHandler, JobHandler
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.people import Language
from services.contracts.imports import MAX_FILE_BYTES, BulkOperationCancelled, Import, ImportStarted
from services.contracts.values import Refusal, refuse

T = TypeVar("T", bound=Transaction)

_NEW = """
    INSERT INTO chassis.imports (id, kind, file_name, file_id, total, rows_staged) VALUES ($1, $2, $3, $4, $5, false)
"""
_START = """
    UPDATE chassis.imports
    SET state = 'RUNNING', dry_run = $2, language = $3, started_by = $4, started_at = clock_timestamp(),
        rows_wait_since = clock_timestamp()
    WHERE id = $1 AND state = 'STAGED' RETURNING rows_staged
"""
_CANCEL_STAGED = """
    UPDATE chassis.imports SET state = 'CANCELLED', finished_at = clock_timestamp()
    WHERE id = $1 AND state = 'STAGED' RETURNING true
"""
_CANCEL_RUNNING = """
    INSERT INTO chassis.import_cancellations SELECT id FROM chassis.imports WHERE id = $1 AND state = 'RUNNING'
    ON CONFLICT DO NOTHING
"""


class FileImporter(Generic[T]):
    """Importer of one service, whose name is part of the imports' ids: the graph finds the owner by it."""

    def __init__(
        self, service: str, pool: Pool, work: UnitOfWork[T], kinds: Sequence[ImportKind[T, Any]], files: ServiceFiles
    ) -> None:
        self._prefix = f"import_{service}"
        self._work = work
        self._files = files
        self.kinds: Mapping[str, ImportKind[T, Any]] = {kind.name: kind for kind in kinds}
        self.queries = ImportQueries(self._prefix, pool, files)
        parked = ParkedImports(self._prefix, pool, self.kinds)
        finisher = ImportFinisher(self._prefix, pool, work, files)
        self.stager = ImportStager(pool, work, self.kinds, files, parked, finisher)
        self.runner = ImportRunner(work, self.kinds, parked, finisher)

    def job_handlers(self) -> Sequence[AnyJobHandler]:
        """Return the handlers of the jobs of imports; none in a service without kinds of files."""
        if not self.kinds:
            return ()
        return (
            JobHandler(StageImport, self.stager.stage, concurrency=1),
            JobHandler(RunImport, self.runner.run, concurrency=1),
        )

    async def upload(self, kind_name: str, file_name: str, pieces: AsyncIterable[bytes]) -> Import:
        """Keep a streamed file, to be imported when the import is started.

        Raises InvalidFile if it does not match its kind, InvalidUpload, and any error of ``pieces``; the file is not
        kept then.
        """
        kind = self.kinds[kind_name]
        import_id, rows = new_uuid(), RowCount(kind)
        owner = write_id(self._prefix, import_id)
        file = await self._files.uploads.begin_upload(
            rows.count(pieces),
            owner=owner,
            name=file_name,
            accepted={MediaType.CSV},
            max_bytes=MAX_FILE_BYTES,
            any_text=True,
        )
        async with self._work() as tx:
            await tx.keep_file(file.id, owner=owner, expires_at=tx.now + FILE_RETENTION)
            await tx.connection.execute(_NEW, import_id, kind.name, file.name, file.id, rows.total)
        (uploaded,) = await self.queries.imports_by_id([owner])
        assert uploaded is not None
        return uploaded

    async def start(
        self, text: str, language: Language, *, dry_run: bool = False, started_by: str | None = None
    ) -> ImportStarted | Refusal:
        """Start the import of an uploaded file, or a dry run of it. A second start has no effect, unless it is refused.

        The file of the bad rows will be in this language.
        """
        import_id = find_id(self._prefix, text)
        if import_id is None:
            return refuse("NOT_FOUND", "id")
        async with self._work() as tx:
            are_staged = await tx.connection.fetchval(_START, import_id, dry_run, language.value, started_by)
            if are_staged is not None:
                tx.enqueue(RunImport(import_id=import_id) if are_staged else StageImport(import_id=import_id))
        (started,) = await self.queries.imports_by_id([text])
        if started is None:
            return refuse("NOT_FOUND", "id")
        return ImportStarted(imported=started) if started.dry_run == dry_run else refuse("ALREADY_STARTED", "dryRun")

    async def cancel(self, text: str) -> BulkOperationCancelled | Refusal:
        """Stop an import before its next batch; a second call has no effect."""
        import_id = find_id(self._prefix, text)
        if import_id is None:
            return refuse("NOT_FOUND", "id")
        async with self._work() as tx:
            # An import that was not started has no job that would end it.
            if not await tx.connection.fetchval(_CANCEL_STAGED, import_id):
                await tx.connection.execute(_CANCEL_RUNNING, import_id)
        (cancelled,) = await self.queries.imports_by_id([text])
        if cancelled is None:
            return refuse("NOT_FOUND", "id")
        if cancelled.state in (BulkOperationState.DONE, BulkOperationState.FAILED):
            return refuse("ALREADY_ENDED", "id")
        return BulkOperationCancelled(imported=cancelled)
