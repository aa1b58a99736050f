"""The run of an import: its staged rows are applied in batches.

Progress and effects of a batch are one transaction, so an import resumes after a crash.
"""

import enum
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Row
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.imports.export_files import ImportKind, RowResult
from services.chassis.imports.finisher import ImportFinisher
from services.chassis.imports.parked_imports import PARKED_WAIT_S, ParkedImports
from services.chassis.imports.row_reader import RowError, read_row, row_error
from services.chassis.jobs.job import Job, JobRun, RunAgain
from services.contracts.bulk_operations import BulkOperationState

T = TypeVar("T", bound=Transaction)

BATCH_ROWS = 500
_REFERENCE_TIMEOUT_S = 20
"""Time that a row waits for a record that it refers to (its event may be on the way) before it is bad."""
_WAIT_S = 0.5
"""Time between two passes through rows that wait."""

IS_CANCELLED = "EXISTS (SELECT FROM chassis.import_cancellations c WHERE c.import_id = i.id) AS cancelled"
"""The column that tells whether an import (``i``) is to stop."""
_RUNNING = f"""
    SELECT kind, dry_run, clock_timestamp() - rows_wait_since > make_interval(secs => $2) AS impatient, {IS_CANCELLED}
    FROM chassis.imports i WHERE id = $1 AND state = 'RUNNING' FOR NO KEY UPDATE
"""
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
_DELETE_ROWS = """
    DELETE FROM chassis.import_rows WHERE import_id = $1 AND line > $2 AND line <= $2 + $3 AND state <> 'BAD'
"""
_LAST_LINE = "SELECT coalesce(max(line), 0) FROM chassis.import_rows WHERE import_id = $1"
_DELETED_AT_ONCE = 20_000


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


class ImportRunner(Generic[T]):
    """Runner of the imports of one service."""

    def __init__(
        self,
        work: UnitOfWork[T],
        kinds: Mapping[str, ImportKind[T, Any]],
        parked: ParkedImports,
        finisher: ImportFinisher,
    ) -> None:
        self._work = work
        self._kinds = kinds
        self._parked = parked
        self._finisher = finisher

    async def run(self, job: RunImport, run: JobRun) -> None:
        """Apply a started import, batch by batch. Progress is stored with each batch, so a second run goes on."""
        await self._parked.log()
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
                        raise RunAgain(PARKED_WAIT_S)
        except (RunAgain, *TRANSIENT_DATABASE_ERRORS):
            raise
        except Exception:
            # Its last batch is rolled back, earlier ones stay.
            await self._finisher.fail(job.import_id)
        else:
            await self._finisher.finish(job.import_id, state)

    async def _process_batch(self, progress: _Progress) -> _Step:
        """Apply one batch of an import."""
        async with self._work() as tx:
            running = await tx.connection.fetchrow(_RUNNING, progress.import_id, _REFERENCE_TIMEOUT_S)
            if running is None:
                return _Step.NOT_RUNNING
            if running["cancelled"] and not progress.all_decided:
                return _Step.CANCELLED
            kind = self._kinds.get(running["kind"])
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
