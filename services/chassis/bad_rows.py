"""The rows of imports that were left out, in the order of their file: page by page, or all of them as they are read."""

import uuid
from collections.abc import AsyncIterator

from services.chassis.paging import KeysetPage, Number
from services.chassis.postgres import Pool, Row
from services.contracts.imports import BadRow
from services.contracts.values import Connection as Listing
from services.contracts.values import Page

_AT_ONCE = 1000

_BAD = """
    SELECT r.line, r.field, r.code, r.reason, i.file_name FROM chassis.import_rows r
    JOIN chassis.imports i ON i.id = r.import_id
    WHERE r.import_id = $1 AND r.state = 'BAD' AND r.line > $2 ORDER BY r.line LIMIT $3
"""
_COUNT = "SELECT count(*) FROM chassis.import_rows WHERE import_id = $1 AND state = 'BAD'"


async def page_of(pool: Pool, import_id: uuid.UUID | None, page: Page) -> Listing[BadRow]:
    """A page of them; none for an import that is not there."""
    part: KeysetPage[BadRow] = KeysetPage(page, (Number,), "badRows", import_id)
    rows = await pool.fetch(_BAD, import_id, part.after[0] or 0, part.limit)
    edges = [([row["line"]], _bad_row(row)) for row in rows]
    return part.connection(edges, await pool.fetchval(_COUNT, import_id))


async def all_of(pool: Pool, import_id: uuid.UUID | None) -> AsyncIterator[list[BadRow]]:
    """All of them, some at a time.

    Each time with a question of its own: a cursor of the database would keep a connection and a transaction for as
    long as the reader takes. None comes twice, and none of an import that is done is left out.
    """
    after = 0
    while rows := await pool.fetch(_BAD, import_id, after, _AT_ONCE):
        yield [_bad_row(row) for row in rows]
        after = rows[-1]["line"]


def _bad_row(row: Row) -> BadRow:
    return BadRow(file=row["file_name"], line=row["line"], field=row["field"], code=row["code"], reason=row["reason"])
