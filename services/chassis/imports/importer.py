"""Importer of export files: a CSV is staged by COPY, then applied in batches, and bad rows are reported.

A kind of file is a Struct of its row and a function that applies rows; the rest is here. Progress and effects of a
batch are one transaction, so an import resumes after a crash. A second import of the same file changes nothing, since
``apply`` returns UNCHANGED.
"""

import enum
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool, Row
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.ids import find_id, new_uuid, write_id
from services.chassis.imports import bad_rows
from services.chassis.imports.export_files import ImportKind, RowResult, StagedRow, staged_rows
from services.chassis.imports.row_reader import RowError, read_row, row_error
from services.chassis.jobs.job import Job, JobRun, RunAgain
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger
from services.contracts.identity import Language
from services.contracts.imports import BadRow, Import, ImportStarted, ImportState
from services.contracts.values import Connection as Listing
from services.contracts.values import Page, Refusal, refuse

_log = logger(__name__)

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T", bound=Transaction)

BATCH_ROWS = 500
_REFERENCE_TIMEOUT_S = 20
"""Time that a row waits for a record that it refers to (its event may be on the way) before it is bad."""
_STAGING_TIMEOUT_S = 3600
"""Time that a file may take to arrive: 200 MB of the smallest rows at 3,000 rows a second."""
_WAIT_S = 0.5
"""Time between two passes through rows that wait."""
_PARKED_WAIT_S = 30
"""Time between two runs of an import of a kind that this build does not know."""

_NEW = "INSERT INTO chassis.imports (id, kind, file_name) VALUES ($1, $2, $3)"
_STAGED = "UPDATE chassis.imports SET total = $2, failed = $3 WHERE id = $1"
_START = """
    UPDATE chassis.imports
    SET state = 'RUNNING', dry_run = $2, started_at = coalesce(started_at, clock_timestamp())
    WHERE id = $1 AND state = 'STAGED' RETURNING true
"""
_IMPORTS = """
    SELECT id, kind, file_name, state, dry_run, total, added, changed, unchanged, failed FROM chassis.imports
    WHERE id = ANY ($1)
"""
_RUNNING = """
    SELECT kind, dry_run, clock_timestamp() - started_at > make_interval(secs => $2) AS impatient
    FROM chassis.imports WHERE id = $1 AND state = 'RUNNING' FOR UPDATE
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
_FINISH = "UPDATE chassis.imports SET state = $2 WHERE id = $1"
_DELETE_ROWS = """
    DELETE FROM chassis.import_rows WHERE import_id = $1 AND line > $2 AND line <= $2 + $3 AND state <> 'BAD'
"""
_LAST_LINE = "SELECT coalesce(max(line), 0) FROM chassis.import_rows WHERE import_id = $1"
_DELETED_AT_ONCE = 20_000


class RunImport(Job, frozen=True, kw_only=True, tag="run-import"):
    """The job that applies a started import."""

    import_id: uuid.UUID


class _Step(enum.Enum):
    """The rest of an import after a batch."""

    MORE = enum.auto()
    """Rows that can be applied, or deleted, at once."""
    WAITING = enum.auto()
    """Only rows that wait for a record of another service."""
    PARKED = enum.auto()
    """All: this build does not know the kind."""
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

    def __init__(self, service: str, pool: Pool, work: UnitOfWork[T], kinds: Sequence[ImportKind[T, Any]]) -> None:
        self._prefix = import_prefix(service)
        self._pool = pool
        self._work = work
        self._parked: set[uuid.UUID] = set()
        self.kinds: Mapping[str, ImportKind[T, Any]] = {kind.name: kind for kind in kinds}

    async def stage(self, kind_name: str, file_name: str, pieces: AsyncIterable[bytes]) -> Import:
        """Stage a streamed file; raise InvalidFile if it does not match its kind, and any error of ``pieces``.

        One COPY in one transaction stages the whole file or nothing. The file is read no faster than the database
        accepts it.
        """
        kind = self.kinds[kind_name]
        import_id, total, failed = new_uuid(), 0, 0

        async def records() -> AsyncIterator[tuple[Any, ...]]:
            nonlocal total, failed
            async for row in staged_rows(kind, pieces):
                total += 1
                failed += row.state == "BAD"
                yield (import_id, *row)

        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_NEW, import_id, kind.name, file_name[:200])
            await connection.copy_records_to_table(
                "import_rows",
                schema_name="chassis",
                columns=["import_id", *StagedRow._fields],
                records=records(),
                timeout=_STAGING_TIMEOUT_S,
            )
            await connection.execute(_STAGED, import_id, total, failed)
        (staged,) = await self.imports([write_id(self._prefix, import_id)])
        assert staged is not None
        return staged

    async def start(self, text: str, *, dry_run: bool = False) -> ImportStarted | Refusal:
        """Start the import of a staged file, or a dry run of it. A second start has no effect, unless it is refused."""
        import_id = find_id(self._prefix, text)
        if import_id is None:
            return refuse("NOT_FOUND", "id")
        async with self._work() as tx:
            if await tx.connection.fetchval(_START, import_id, dry_run):
                tx.enqueue(RunImport(import_id=import_id))
        (started,) = await self.imports([text])
        if started is None:
            return refuse("NOT_FOUND", "id")
        return ImportStarted(imported=started) if started.dry_run == dry_run else refuse("ALREADY_STARTED", "dryRun")

    async def imports(self, ids: Sequence[str]) -> list[Import | None]:
        """Return the imports with these ids, in their order."""
        wanted = [find_id(self._prefix, text) for text in ids]
        rows = await self._pool.fetch(_IMPORTS, [import_id for import_id in wanted if import_id])
        by_id = {row["id"]: self._import(row) for row in rows}
        return [by_id.get(import_id) if import_id else None for import_id in wanted]

    async def bad_rows(self, text: str, page: Page, language: Language) -> Listing[BadRow]:
        """Return a page of an import's bad rows, in the order of the file."""
        return await bad_rows.page_of(self._pool, find_id(self._prefix, text), page, language)

    def all_bad_rows(self, text: str, language: Language) -> AsyncIterator[list[BadRow]]:
        """Yield all bad rows of an import in batches, in the order of the file."""
        return bad_rows.all_of(self._pool, find_id(self._prefix, text), language)

    async def run(self, job: RunImport, run: JobRun) -> None:
        """Apply a started import, batch by batch. Progress is stored with each batch, so a second run goes on."""
        await self._log_parked()
        progress = _Progress(job.import_id)
        try:
            while not run.stop.is_set():
                match await self._process_batch(progress):
                    case _Step.DONE:
                        return
                    case _Step.WAITING:
                        raise RunAgain(_WAIT_S)
                    case _Step.PARKED:
                        raise RunAgain(_PARKED_WAIT_S)
        except (RunAgain, *TRANSIENT_DATABASE_ERRORS):
            raise
        except Exception:
            # Its last batch is rolled back, earlier ones stay.
            _log.exception("import failed", id=write_id(self._prefix, job.import_id))
            await self._pool.execute(_FINISH, job.import_id, "FAILED")
            return
        raise RunAgain

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
                return _Step.DONE
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
        """Delete some of the applied rows; the import is done once none is left."""
        await tx.connection.execute(_DELETE_ROWS, progress.import_id, progress.deleted_up_to, _DELETED_AT_ONCE)
        progress.deleted_up_to += _DELETED_AT_ONCE
        if progress.deleted_up_to < await tx.connection.fetchval(_LAST_LINE, progress.import_id):
            return _Step.MORE
        await tx.connection.execute(_FINISH, progress.import_id, "DONE")
        _log.info("import done", id=write_id(self._prefix, progress.import_id))
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

    def _import(self, row: Row) -> Import:
        state = ImportState(row["state"])
        done = row["added"] + row["changed"] + row["unchanged"] + row["failed"]
        return Import(
            id=write_id(self._prefix, row["id"]),
            kind=row["kind"],
            file_name=row["file_name"],
            state=state,
            dry_run=row["dry_run"],
            total=row["total"],
            done=done,
            added=row["added"],
            changed=row["changed"],
            unchanged=row["unchanged"],
            failed=row["failed"],
        )


def import_prefix(service: str) -> str:
    """Return the id prefix of a service's imports."""
    return f"import_{service}"
