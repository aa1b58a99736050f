"""Queries for imports: lists, look-ups and progress."""

import uuid
from collections.abc import Mapping, Sequence

from services.chassis.db.keyset_query import SortOrder, fetch_page
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import Pool, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.updates import ListedRows
from services.chassis.files.service_files import ServiceFiles
from services.chassis.ids import find_id, write_id
from services.chassis.imports import bad_rows
from services.contracts.bulk_operations import BulkOperationState, BulkProgress
from services.contracts.files import FileLink
from services.contracts.identity.people import Language
from services.contracts.imports import (
    BadRow,
    BadRowFilter,
    BadRowOrder,
    Import,
    ImportFilter,
    ImportOrder,
    ImportOrderField,
)
from services.contracts.values import Connection as Listing
from services.contracts.values import Page, SortDirection

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


class ImportQueries:
    """Queries for the imports of one service; ``prefix`` is that of their ids."""

    def __init__(self, prefix: str, pool: Pool, files: ServiceFiles) -> None:
        self._prefix = prefix
        self._pool = pool
        self._files = files
        self._listed = ListedRows(
            list="imports",
            prefix=prefix,
            rows="chassis.imports i",
            id="i.id",
            marks=("i.changed_in",),
            within="i.kind = $1",
        )

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
        query.where(self._listed.within)
        if asked.states is not None:
            query.where("i.state = ANY ({})", sorted({one.value for one in asked.states}))
        # An id has the time of the upload.
        sorting = SortOrder(("i.id",), descending=order.direction is SortDirection.DESC)
        rows, total, updates = await fetch_page(
            self._pool,
            self._listed.rows,
            _COLUMNS,
            query,
            part,
            sorting,
            self._listed,
        )
        by_id = await self._imports_of(rows)
        return part.connection([([row["id"]], by_id[row["id"]]) for row in rows], total, updates)

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
