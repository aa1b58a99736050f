"""Importer of export files: a CSV is kept, staged by COPY, then applied in batches, and bad rows are reported.

A kind of file is a Struct of its row and a function that applies rows; the rest is here. The uploaded file is kept, and
a job stages its rows from there; another applies them. Progress and effects of a batch are one transaction, so an
import resumes after a crash. A second import of the same file changes nothing, since ``apply`` returns UNCHANGED.
"""

import datetime as dt
import enum
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Generic, TypeVar

import msgspec

from services.chassis.db.keyset_query import SortOrder, fetch_page
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool, Row
from services.chassis.db.query import SqlQuery
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.files.file_rows import FileRow, UnknownFile
from services.chassis.files.media_type import MediaType
from services.chassis.files.service_files import ServiceFiles
from services.chassis.files.storage import OpenFile
from services.chassis.files.store import FileMissing
from services.chassis.ids import find_id, new_uuid, write_id
from services.chassis.imports import bad_rows
from services.chassis.imports.export_files import ImportKind, InvalidFile, RowCount, RowResult, StagedRow, staged_rows
from services.chassis.imports.row_reader import RowError, read_row, row_error
from services.chassis.jobs.job import AnyJobHandler, Job, JobHandler, JobRun, RunAgain
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger
from services.contracts.bulk_operations import BulkOperationState, BulkProgress
from services.contracts.files import FileLink
from services.contracts.identity.people import Language
from services.contracts.imports import (
    MAX_BAD_ROWS_BYTES,
    MAX_FILE_BYTES,
    BadRow,
    BadRowFilter,
    BadRowOrder,
    BulkOperationCancelled,
    Import,
    ImportFilter,
    ImportOrder,
    ImportOrderField,
    ImportStarted,
)
from services.contracts.values import Connection as Listing
from services.contracts.values import Page, Refusal, SortDirection, refuse

_log = logger(__name__)

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T", bound=Transaction)

BATCH_ROWS = 500
FILE_RETENTION = dt.timedelta(days=30)
"""As long as an import and its bad rows are kept."""
_REFERENCE_TIMEOUT_S = 20
"""Time that a row waits for a record that it refers to (its event may be on the way) before it is bad."""
_STAGING_TIMEOUT_S = 3600
"""Time that the COPY of a file may take: 200 MB of the smallest rows at 3,000 rows a second."""
_WAIT_S = 0.5
"""Time between two passes through rows that wait."""
_PARKED_WAIT_S = 30
"""Time between two runs of an import of a kind that this build does not know."""

_NEW = """
    INSERT INTO chassis.imports (id, kind, file_name, file_id, total, rows_staged) VALUES ($1, $2, $3, $4, $5, false)
"""
_START = """
    UPDATE chassis.imports
    SET state = 'RUNNING', dry_run = $2, language = $3, started_by = $4, started_at = clock_timestamp(),
        rows_wait_since = clock_timestamp()
    WHERE id = $1 AND state = 'STAGED' RETURNING rows_staged
"""
_CANCELLED = "EXISTS (SELECT FROM chassis.import_cancellations c WHERE c.import_id = i.id) AS cancelled"
_TO_STAGE = f"""
    SELECT kind, file_id, {_CANCELLED} FROM chassis.imports i WHERE id = $1 AND state = 'RUNNING' AND NOT rows_staged
"""
# A lock that lets a cancellation refer to the import.
_LOCK_TO_STAGE = f"{_TO_STAGE} FOR NO KEY UPDATE SKIP LOCKED"
# The time for which rows wait begins with the first that can.
_STAGED = """
    UPDATE chassis.imports SET total = $2, failed = $3, rows_staged = true, rows_wait_since = clock_timestamp()
    WHERE id = $1
"""
_LATEST_FIRST = ImportOrder(field=ImportOrderField.UPLOADED_AT, direction=SortDirection.DESC)
_COLUMNS = """
    id, kind, file_name, file_id, bad_rows_file_id, state, dry_run, total, added, changed, unchanged, failed,
    started_by, started_at, finished_at
"""
_BY_ID = f"SELECT {_COLUMNS} FROM chassis.imports WHERE id = ANY ($1)"
_PROGRESS = """
    SELECT id, state, total, added + changed + unchanged AS succeeded, failed, finished_at
    FROM chassis.imports WHERE id = ANY ($1)
"""
_CANCEL_STAGED = """
    UPDATE chassis.imports SET state = 'CANCELLED', finished_at = clock_timestamp()
    WHERE id = $1 AND state = 'STAGED' RETURNING true
"""
_CANCEL_RUNNING = """
    INSERT INTO chassis.import_cancellations SELECT id FROM chassis.imports WHERE id = $1 AND state = 'RUNNING'
    ON CONFLICT DO NOTHING
"""
_RUNNING = f"""
    SELECT kind, dry_run, clock_timestamp() - rows_wait_since > make_interval(secs => $2) AS impatient, {_CANCELLED}
    FROM chassis.imports i WHERE id = $1 AND state = 'RUNNING' FOR NO KEY UPDATE
"""
_PARKED = "SELECT id, kind FROM chassis.imports WHERE state = 'RUNNING' AND kind <> ALL ($1)"
_BATCH = """
    SELECT line, cells,
        (SELECT min(s.line) FROM chassis.import_rows s WHERE s.import_id = $1 AND s.key = r.key) AS first_line
    FROM chassis.import_rows r WHERE import_id = $1 AND state = 'NEW' AND line > $2
    ORDER BY line LIMIT $3
"""
_STORE_RESULTS = """
    UPDATE chassis.import_rows r SET state = v.state, field = v.field, code = v.code, params = v.params
    FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::jsonb[]) AS v (line, state, field, code, params)
    WHERE r.import_id = $1 AND r.line = v.line
"""
_COUNT = """
    UPDATE chassis.imports
    SET added = added + $2, changed = changed + $3, unchanged = unchanged + $4, failed = failed + $5
    WHERE id = $1
"""
_TO_END = "SELECT file_name, failed, language FROM chassis.imports WHERE id = $1 AND state = 'RUNNING'"
_END = """
    UPDATE chassis.imports SET state = $2, bad_rows_file_id = $3, finished_at = clock_timestamp()
    WHERE id = $1 AND state = 'RUNNING' RETURNING true
"""
_DELETE_ROWS = """
    DELETE FROM chassis.import_rows WHERE import_id = $1 AND line > $2 AND line <= $2 + $3 AND state <> 'BAD'
"""
_LAST_LINE = "SELECT coalesce(max(line), 0) FROM chassis.import_rows WHERE import_id = $1"
_DELETED_AT_ONCE = 20_000
_MAX_STEM_LENGTH = 180
"""Characters of an uploaded file's name at most in the name of the file of its bad rows."""


class StageImport(Job, frozen=True, kw_only=True, tag="stage-import"):
    """The job that stages the rows of a started import."""

    import_id: uuid.UUID


class RunImport(Job, frozen=True, kw_only=True, tag="run-import"):
    """The job that applies the staged rows of a started import."""

    import_id: uuid.UUID


class _Step(enum.Enum):
    """The rest of an import after a batch."""

    MORE = enum.auto()
    """Rows that can be applied, or deleted, at once."""
    WAITING = enum.auto()
    """Only rows that wait for a record of another service."""
    PARKED = enum.auto()
    """All: this build does not know the kind."""
    NOT_RUNNING = enum.auto()
    """None: the import has ended, or was deleted."""
    CANCELLED = enum.auto()
    """Any that are left stay as they are."""
    DONE = enum.auto()


class _Progress(msgspec.Struct):
    """Progress of one pass through the rows of an import."""

    import_id: uuid.UUID
    line: int = 0
    """The last line that the pass has processed."""
    waiting: int = 0
    """Rows that wait for a record."""
    all_decided: bool = False
    """Whether every row has a final result, so that all but bad rows are deleted."""
    deleted_up_to: int = 0
    """The line up to which only bad rows are left."""


class FileImporter(Generic[T]):
    """Importer of one service, whose name is part of the imports' ids: the graph finds the owner by it."""

    def __init__(
        self, service: str, pool: Pool, work: UnitOfWork[T], kinds: Sequence[ImportKind[T, Any]], files: ServiceFiles
    ) -> None:
        self._prefix = import_prefix(service)
        self._pool = pool
        self._work = work
        self._files = files
        self._parked: set[uuid.UUID] = set()
        self.kinds: Mapping[str, ImportKind[T, Any]] = {kind.name: kind for kind in kinds}

    def job_handlers(self) -> Sequence[AnyJobHandler]:
        """Return the handlers of the jobs of imports; none in a service without kinds of files."""
        if not self.kinds:
            return ()
        return (
            JobHandler(StageImport, self.stage, concurrency=1),
            JobHandler(RunImport, self.run, concurrency=1),
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
        (uploaded,) = await self.imports_by_id([owner])
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
        (started,) = await self.imports_by_id([text])
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
        (cancelled,) = await self.imports_by_id([text])
        if cancelled is None:
            return refuse("NOT_FOUND", "id")
        if cancelled.state in (BulkOperationState.DONE, BulkOperationState.FAILED):
            return refuse("ALREADY_ENDED", "id")
        return BulkOperationCancelled(imported=cancelled)

    async def progress(self, ids: Sequence[str]) -> list[BulkProgress | None]:
        """Return the progress of the imports with these ids, in their order."""
        wanted = [find_id(self._prefix, text) for text in ids]
        rows = await self._pool.fetch(_PROGRESS, [import_id for import_id in wanted if import_id])
        by_id = {
            row["id"]: BulkProgress(
                operation_id=write_id(self._prefix, row["id"]),
                state=BulkOperationState(row["state"]),
                total=row["total"],
                done=row["succeeded"] + row["failed"],
                succeeded=row["succeeded"],
                failed=row["failed"],
                finished_at=row["finished_at"],
            )
            for row in rows
        }
        return [by_id.get(import_id) if import_id else None for import_id in wanted]

    async def imports(
        self, kind: str, page: Page, filter: ImportFilter | None = None, order: ImportOrder | None = None
    ) -> Listing[Import]:
        """Return a page of the imports of a kind of file."""
        asked, order = filter or ImportFilter(), order or _LATEST_FIRST
        part: KeysetPage[Import] = KeysetPage(page, (uuid.UUID,), "imports", kind, order, asked)
        query = SqlQuery(kind)
        query.where("kind = $1")
        if asked.states is not None:
            query.where("state = ANY ({})", sorted({one.value for one in asked.states}))
        # An id has the time of the upload.
        sorting = SortOrder(("id",), descending=order.direction is SortDirection.DESC)
        rows, total = await fetch_page(self._pool, "chassis.imports", _COLUMNS, query, part, sorting)
        by_id = await self._imports_of(rows)
        return part.connection([([row["id"]], by_id[row["id"]]) for row in rows], total)

    async def imports_by_id(self, ids: Sequence[str]) -> list[Import | None]:
        """Return the imports with these ids, in their order."""
        wanted = [find_id(self._prefix, text) for text in ids]
        by_id = await self._imports_of(await self._pool.fetch(_BY_ID, [import_id for import_id in wanted if import_id]))
        return [by_id.get(import_id) if import_id else None for import_id in wanted]

    async def _imports_of(self, rows: Sequence[Row]) -> dict[uuid.UUID, Import]:
        file_ids = [row[column] for row in rows for column in ("file_id", "bad_rows_file_id") if row[column]]
        links = await self._files.links(file_ids)
        return {row["id"]: self._import(row, links) for row in rows}

    async def bad_rows(
        self,
        text: str,
        page: Page,
        language: Language,
        filter: BadRowFilter | None = None,
        order: BadRowOrder | None = None,
    ) -> Listing[BadRow]:
        """Return a page of an import's bad rows."""
        return await bad_rows.page_of(self._pool, find_id(self._prefix, text), page, language, filter, order)

    async def stage(self, job: StageImport, run: JobRun) -> None:
        """Stage the rows of a started import, and enqueue the job that applies them; a second run changes nothing.

        One COPY in one transaction stages the whole file or nothing.
        """
        await self._log_parked()
        found = await self._pool.fetchrow(_TO_STAGE, job.import_id)
        if found is None:
            return
        if found["cancelled"]:
            await self._end(job.import_id, BulkOperationState.CANCELLED)
            return
        kind = self.kinds.get(found["kind"])
        if kind is None:
            raise RunAgain(_PARKED_WAIT_S)
        try:
            file = await self._files.storage.open(found["file_id"])
            await self._copy_rows(job.import_id, kind, file, run)
        except (UnknownFile, FileMissing, InvalidFile):
            _log.exception("import failed", id=write_id(self._prefix, job.import_id))
            await self._end(job.import_id, BulkOperationState.FAILED)

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
                raise RunAgain(_PARKED_WAIT_S)  # another run of the job stages it, or has done so
            await tx.connection.copy_records_to_table(
                "import_rows",
                schema_name="chassis",
                columns=["import_id", *StagedRow._fields],
                records=records(),
                timeout=_STAGING_TIMEOUT_S,
            )
            await tx.connection.execute(_STAGED, import_id, total, failed)
            tx.enqueue(RunImport(import_id=import_id))

    async def run(self, job: RunImport, run: JobRun) -> None:
        """Apply a started import, batch by batch. Progress is stored with each batch, so a second run goes on."""
        await self._log_parked()
        progress = _Progress(job.import_id)
        state = BulkOperationState.RUNNING
        try:
            while state is BulkOperationState.RUNNING:
                if run.stop.is_set():
                    raise RunAgain
                match await self._process_batch(progress):
                    case _Step.NOT_RUNNING:
                        return
                    case _Step.CANCELLED:
                        state = BulkOperationState.CANCELLED
                    case _Step.DONE:
                        state = BulkOperationState.DONE
                    case _Step.WAITING:
                        raise RunAgain(_WAIT_S)
                    case _Step.PARKED:
                        raise RunAgain(_PARKED_WAIT_S)
        except (RunAgain, *TRANSIENT_DATABASE_ERRORS):
            raise
        except Exception:
            # Its last batch is rolled back, earlier ones stay.
            _log.exception("import failed", id=write_id(self._prefix, job.import_id))
            state = BulkOperationState.FAILED
        await self._end(job.import_id, state)

    async def _end(self, import_id: uuid.UUID, state: BulkOperationState) -> None:
        """End an import. The file of its bad rows is written before, and kept with the import's new state.

        A run that ends here leaves a pending file, and the next one writes another.
        """
        owner = write_id(self._prefix, import_id)
        found = await self._pool.fetchrow(_TO_END, import_id)
        if found is None:
            return
        file = await self._write_bad_rows(import_id, owner, found) if found["failed"] else None
        async with self._work() as tx:
            ended = await tx.connection.fetchval(_END, import_id, state.value, file.id if file else None)
            if ended and file:
                await tx.keep_file(file.id, owner=owner, expires_at=tx.now + FILE_RETENTION)
        if ended:
            _log.info("import ended", id=owner, state=state.value)

    async def _write_bad_rows(self, import_id: uuid.UUID, owner: str, found: Row) -> FileRow:
        stem = PurePath(found["file_name"]).stem[:_MAX_STEM_LENGTH]
        return await self._files.uploads.begin_upload(
            bad_rows.csv_of(self._pool, import_id, Language(found["language"])),
            owner=owner,
            name=f"{stem}-bad-rows.csv",
            accepted={MediaType.CSV},
            max_bytes=MAX_BAD_ROWS_BYTES,
            any_text=True,
        )

    async def _log_parked(self) -> None:
        """Log each import that waits for a build that knows its kind, once."""
        parked = {row["id"]: row["kind"] for row in await self._pool.fetch(_PARKED, list(self.kinds))}
        metrics.IMPORTS_PARKED.set(len(parked))
        for import_id in parked.keys() - self._parked:
            _log.error("import of unknown kind", id=write_id(self._prefix, import_id), kind=parked[import_id])
        self._parked = set(parked)

    async def _process_batch(self, progress: _Progress) -> _Step:
        """Apply one batch of an import."""
        async with self._work() as tx:
            running = await tx.connection.fetchrow(_RUNNING, progress.import_id, _REFERENCE_TIMEOUT_S)
            if running is None:
                return _Step.NOT_RUNNING
            if running["cancelled"] and not progress.all_decided:
                return _Step.CANCELLED
            kind = self.kinds.get(running["kind"])
            if kind is None:
                return _Step.PARKED
            if progress.all_decided:
                return await self._delete_rows(tx, progress)
            rows = await tx.connection.fetch(_BATCH, progress.import_id, progress.line, BATCH_ROWS)
            decided = await self._apply(tx, kind, progress.import_id, rows, running) if rows else 0
        progress.waiting += len(rows) - decided
        if len(rows) == BATCH_ROWS:
            progress.line = rows[-1]["line"]
        elif progress.waiting:
            return _Step.WAITING
        else:
            progress.all_decided = True
        return _Step.MORE

    async def _delete_rows(self, tx: T, progress: _Progress) -> _Step:
        """Delete some of the applied rows; the import is done once none of them is left."""
        await tx.connection.execute(_DELETE_ROWS, progress.import_id, progress.deleted_up_to, _DELETED_AT_ONCE)
        progress.deleted_up_to += _DELETED_AT_ONCE
        if progress.deleted_up_to < await tx.connection.fetchval(_LAST_LINE, progress.import_id):
            return _Step.MORE
        return _Step.DONE

    async def _apply(
        self, tx: T, kind: ImportKind[T, Any], import_id: uuid.UUID, rows: Sequence[Row], running: Row
    ) -> int:
        """Apply one batch, store the rows' results, and return the number of final ones.

        The effects of a dry run are rolled back. It waits for no record: one that comes from another file never will.
        """
        dry_run: bool = running["dry_run"]
        results: dict[int, RowResult | RowError] = {}
        good: list[tuple[int, Any]] = []
        for row in rows:
            if row["first_line"] is not None and row["first_line"] < row["line"]:
                results[row["line"]] = row_error(kind.key[0], "REPEATED", line=row["first_line"])
                continue
            read = read_row(kind.row, msgspec.json.decode(row["cells"], type=dict[str, str]))
            if isinstance(read, RowError):
                results[row["line"]] = read
            else:
                good.append((row["line"], read))
        if good:
            parsed = [row for _, row in good]
            answers = await (tx.try_out(lambda: kind.apply(tx, parsed)) if dry_run else kind.apply(tx, parsed))
            results.update(zip((line for line, _ in good), answers, strict=True))
        final = {
            line: result
            for line, result in results.items()
            if not (isinstance(result, RowError) and result.retryable and not (running["impatient"] or dry_run))
        }
        faults = {line: result for line, result in final.items() if isinstance(result, RowError)}
        lines = list(final)
        errors = [faults.get(line, RowError("", "")) for line in lines]
        await tx.connection.execute(
            _STORE_RESULTS,
            import_id,
            lines,
            ["BAD" if line in faults else "DONE" for line in lines],
            [fault.field for fault in errors],
            [fault.code for fault in errors],
            [msgspec.json.encode(fault.params).decode() for fault in errors],
        )
        counts = [sum(result is wanted for result in final.values()) for wanted in RowResult]
        await tx.connection.execute(_COUNT, import_id, *counts, len(faults))
        return len(final)

    def _import(self, row: Row, links: Mapping[uuid.UUID, FileLink]) -> Import:
        state = BulkOperationState(row["state"])
        succeeded = row["added"] + row["changed"] + row["unchanged"]
        return Import(
            id=write_id(self._prefix, row["id"]),
            kind=row["kind"],
            file_name=row["file_name"],
            state=state,
            dry_run=row["dry_run"],
            total=row["total"],
            done=succeeded + row["failed"],
            succeeded=succeeded,
            added=row["added"],
            changed=row["changed"],
            unchanged=row["unchanged"],
            failed=row["failed"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            starter_id=row["started_by"],
            file=links.get(row["file_id"]),
            bad_rows_file=links.get(row["bad_rows_file_id"]),
        )


def import_prefix(service: str) -> str:
    """Return the id prefix of a service's imports."""
    return f"import_{service}"
