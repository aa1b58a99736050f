"""Taking in files of an export: a CSV is staged by COPY, then taken in batch by batch, good rows kept, bad ones named.

A kind of file is a row Struct and a function that applies rows; everything else is here. Progress and effects are one
transaction a batch, so a process that dies goes on where it was, and a second run of the same file changes nothing
because ``apply`` says UNCHANGED.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import IO, Any, Generic, TypeVar

import msgspec

from services.chassis import bad_rows
from services.chassis.export_files import Bad, Kind, Result, invalid, read_row, staged_rows
from services.chassis.ids import find_id, new_uuid, write_id
from services.chassis.logging import logger
from services.chassis.pause import pause
from services.chassis.postgres import NO_ONES_FAULT, Pool, Row
from services.chassis.transaction import Transaction, UnitOfWork
from services.contracts.imports import BadRow, Import, ImportStarted, ImportState
from services.contracts.values import Connection as Listing
from services.contracts.values import Page, Refusal, refuse

_log = logger(__name__)

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T", bound=Transaction)

BATCH = 500
_PATIENCE_S = 20
"""How long a row may wait for what it refers to (an event may still be on its way) before it is a bad row."""

_NEW = "INSERT INTO chassis.imports (id, kind, file_name) VALUES ($1, $2, $3)"
_STAGED = """
    UPDATE chassis.imports SET total = c.total, failed = c.failed
    FROM (SELECT count(*) AS total, count(*) FILTER (WHERE state = 'BAD') AS failed
          FROM chassis.import_rows WHERE import_id = $1) AS c
    WHERE id = $1
"""
_START = """
    UPDATE chassis.imports SET state = 'RUNNING', started_at = coalesce(started_at, clock_timestamp())
    WHERE id = $1 AND state = 'STAGED'
"""
_IMPORTS = """
    SELECT id, kind, file_name, state, total, added, changed, unchanged, failed FROM chassis.imports WHERE id = ANY ($1)
"""
_RUNNING = """
    SELECT id, kind, clock_timestamp() - started_at > make_interval(secs => $1) AS impatient
    FROM chassis.imports WHERE state = 'RUNNING' ORDER BY started_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_BATCH = """
    SELECT line, cells FROM chassis.import_rows WHERE import_id = $1 AND state = 'NEW' AND line > $2
    ORDER BY line LIMIT $3
"""
_KEEP = """
    UPDATE chassis.import_rows r SET state = v.state, field = v.field, code = v.code, reason = v.reason
    FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[]) AS v (line, state, field, code, reason)
    WHERE r.import_id = $1 AND r.line = v.line
"""
_COUNT = """
    UPDATE chassis.imports
    SET added = added + $2, changed = changed + $3, unchanged = unchanged + $4, failed = failed + $5
    WHERE id = $1
"""
_FINISH = "UPDATE chassis.imports SET state = $2 WHERE id = $1"
_FORGET = "DELETE FROM chassis.import_rows WHERE import_id = $1 AND state <> 'BAD'"


class Imports(Generic[T]):
    """The imports of one service. ``service`` is part of their ids, so that the graph finds their owner."""

    def __init__(self, service: str, pool: Pool, work: UnitOfWork[T], kinds: Sequence[Kind[T, Any]]) -> None:
        self._prefix = import_prefix(service)
        self._pool = pool
        self._work = work
        self._under_way = uuid.UUID(int=0)
        self.kinds: Mapping[str, Kind[T, Any]] = {kind.name: kind for kind in kinds}

    async def stage(self, kind_name: str, file_name: str, file: IO[bytes]) -> Import:
        """Stage a file by COPY; WrongFile if it is not of this kind."""
        kind = self.kinds[kind_name]
        import_id = new_uuid()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_NEW, import_id, kind.name, file_name[:200])
            await connection.copy_records_to_table(
                "import_rows",
                schema_name="chassis",
                columns=["import_id", "line", "cells", "state", "field", "code", "reason"],
                records=_records(import_id, staged_rows(kind, file)),
            )
            await connection.execute(_STAGED, import_id)
        (staged,) = await self.imports([write_id(self._prefix, import_id)])
        assert staged is not None
        return staged

    async def start(self, text: str) -> ImportStarted | Refusal:
        """Have a staged file taken in; started twice is started once."""
        import_id = find_id(self._prefix, text)
        if import_id is None:
            return refuse("NOT_FOUND", "id")
        await self._pool.execute(_START, import_id)
        (found,) = await self.imports([text])
        return ImportStarted(imported=found) if found else refuse("NOT_FOUND", "id")

    async def imports(self, ids: Sequence[str]) -> list[Import | None]:
        """The imports with these ids, in their order."""
        wanted = [find_id(self._prefix, text) for text in ids]
        rows = await self._pool.fetch(_IMPORTS, [import_id for import_id in wanted if import_id])
        found = {row["id"]: self._import(row) for row in rows}
        return [found.get(import_id) if import_id else None for import_id in wanted]

    async def bad_rows(self, text: str, page: Page) -> Listing[BadRow]:
        """The rows that were left out, in the order of the file."""
        return await bad_rows.page_of(self._pool, find_id(self._prefix, text), page)

    def all_bad_rows(self, text: str) -> AsyncIterator[list[BadRow]]:
        """All rows that were left out, in the order of the file, some at a time."""
        return bad_rows.all_of(self._pool, find_id(self._prefix, text))

    async def run(self, stop: asyncio.Event) -> None:
        """Take in what was started, batch by batch, until ``stop`` is set."""
        while not stop.is_set():
            busy = False
            try:
                busy = await self._step()
            except NO_ONES_FAULT as error:
                _log.warning("import waits for the database", error=type(error).__name__)
            except Exception:
                # A file must not keep the ones behind it: its last batch is undone, what was taken in before stays.
                _log.exception("import failed", id=write_id(self._prefix, self._under_way))
                await self._pool.execute(_FINISH, self._under_way, "FAILED")
            if not busy:
                await pause(stop, 0.2)

    async def _step(self) -> bool:
        """One batch of one import; whether there was something to do."""
        async with self._work() as tx:
            running = await tx.connection.fetchrow(_RUNNING, _PATIENCE_S)
            if running is None:
                return False
            import_id, kind = running["id"], self.kinds[running["kind"]]
            self._under_way = import_id
            after, waiting = 0, 0
            while True:
                rows = await tx.connection.fetch(_BATCH, import_id, after, BATCH)
                if not rows:
                    break
                moved = await self._apply(tx, kind, import_id, rows, running["impatient"])
                if moved:
                    return True  # commit what was done; the next step goes on
                after, waiting = rows[-1]["line"], waiting + len(rows)
            if waiting:
                return False  # every open row refers to what is still on its way
            await tx.connection.execute(_FORGET, import_id)
            await tx.connection.execute(_FINISH, import_id, "DONE")
            _log.info("import done", kind=kind.name, id=write_id(self._prefix, import_id))
            return True

    async def _apply(
        self, tx: T, kind: Kind[T, Any], import_id: uuid.UUID, rows: Sequence[Row], impatient: bool
    ) -> int:
        """Apply one batch and note each row's result; how many rows left the open ones."""
        results: dict[int, Result | Bad] = {}
        good: list[tuple[int, Any]] = []
        for row in rows:
            try:
                good.append((row["line"], read_row(kind.row, msgspec.json.decode(row["cells"], type=dict[str, str]))))
            except msgspec.ValidationError as error:
                results[row["line"]] = invalid(error)
        if good:
            answers = await kind.apply(tx, [parsed for _, parsed in good])
            results.update(zip((line for line, _ in good), answers, strict=True))
        final = {
            line: result
            for line, result in results.items()
            if not (isinstance(result, Bad) and result.later and not impatient)
        }
        bad = {line: result for line, result in final.items() if isinstance(result, Bad)}
        lines = list(final)
        faults = [bad.get(line, Bad("", "", "")) for line in lines]
        await tx.connection.execute(
            _KEEP,
            import_id,
            lines,
            ["BAD" if line in bad else "DONE" for line in lines],
            [fault.field for fault in faults],
            [fault.code for fault in faults],
            [fault.reason for fault in faults],
        )
        counts = [sum(result is wanted for result in final.values()) for wanted in Result]
        await tx.connection.execute(_COUNT, import_id, *counts, len(bad))
        return len(final)

    def _import(self, row: Row) -> Import:
        state = ImportState(row["state"])
        done = row["added"] + row["changed"] + row["unchanged"] + row["failed"]
        return Import(
            id=write_id(self._prefix, row["id"]),
            kind=row["kind"],
            file_name=row["file_name"],
            state=state,
            total=row["total"],
            done=done,
            added=row["added"],
            changed=row["changed"],
            unchanged=row["unchanged"],
            failed=row["failed"],
        )


def import_prefix(service: str) -> str:
    """The id prefix of a service's imports."""
    return f"import_{service}"


async def _records(import_id: uuid.UUID, rows: Iterator[tuple[Any, ...]]) -> AsyncIterator[tuple[Any, ...]]:
    """Rows for COPY, with a breath now and then, so that a large file does not hold up the process's other work."""
    for number, row in enumerate(rows):
        if number % 200 == 0:
            await asyncio.sleep(0)
        yield (import_id, *row)
