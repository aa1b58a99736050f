"""Bad rows of imports in the order of their file, as pages or as CSV.

The reason of a bad row is stored as a code and its params, and rendered in its reader's language, from ``texts``.
"""

import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

from services.chassis.db.keyset_query import SortOrder, fetch_page
from services.chassis.db.paging import IntegerKey, KeysetPage
from services.chassis.db.postgres import Pool, Row
from services.chassis.db.query import SqlQuery
from services.chassis.imports.csv_text import csv_text
from services.chassis.texts.catalogue import load_catalogue
from services.contracts.identity.people import Language
from services.contracts.imports import MAX_BAD_ROWS_BYTES, BadRow, BadRowFilter, BadRowOrder, BadRowOrderField
from services.contracts.values import Connection as Listing
from services.contracts.values import Page, SortDirection

TEXTS = Path(__file__).parent / "texts"

_HEADER = ("line", "field", "code", "reason")
_BATCH_ROWS = 1000

_COLUMNS = "r.line, r.field, r.code, r.params, r.reason, i.file_name"
_TABLE = "chassis.import_rows r JOIN chassis.imports i ON i.id = r.import_id"
_BAD_ROWS = f"""
    SELECT {_COLUMNS} FROM {_TABLE} WHERE r.import_id = $1 AND r.state = 'BAD' AND r.line > $2 ORDER BY r.line LIMIT $3
"""
_BY_LINE = BadRowOrder(field=BadRowOrderField.LINE)


async def page_of(
    pool: Pool,
    import_id: uuid.UUID | None,
    page: Page,
    language: Language,
    filter: BadRowFilter | None = None,
    order: BadRowOrder | None = None,
) -> Listing[BadRow]:
    """Return a page of an import's bad rows; an empty one for an unknown import."""
    asked, order = filter or BadRowFilter(), order or _BY_LINE
    part: KeysetPage[BadRow] = KeysetPage(page, (IntegerKey,), "badRows", order, asked, import_id)
    query = SqlQuery(import_id)
    query.where("r.import_id = $1 AND r.state = 'BAD'")
    if asked.codes is not None:
        query.where("r.code = ANY ({})", asked.codes)
    if asked.fields is not None:
        query.where("r.field = ANY ({})", asked.fields)
    descending = order.direction is SortDirection.DESC
    rows, total, _ = await fetch_page(pool, _TABLE, _COLUMNS, query, part, SortOrder(("r.line",), descending))
    return part.connection([([row["line"]], _bad_row(row, language)) for row in rows], total)


async def csv_of(pool: Pool, import_id: uuid.UUID, language: Language) -> AsyncIterator[bytes]:
    """Yield all bad rows of an import as CSV, up to ``MAX_BAD_ROWS_BYTES``.

    Each batch is a query of its own: a database cursor would hold a transaction for as long as the reader takes.
    """
    chunk, size, after = csv_text([_HEADER]), 0, 0
    while size + len(chunk) <= MAX_BAD_ROWS_BYTES:
        yield chunk
        size += len(chunk)
        rows = await pool.fetch(_BAD_ROWS, import_id, after, _BATCH_ROWS)
        if not rows:
            return
        bad_rows = [_bad_row(row, language) for row in rows]
        chunk = csv_text([(row.line, row.field, row.code, row.reason) for row in bad_rows])
        after = rows[-1]["line"]


def reason(code: str, params: Mapping[str, str], language: Language) -> str:
    """Return the reason of a bad row as a sentence in a language; the code itself if a newer build wrote it."""
    return load_catalogue(TEXTS, language).problem_text(code, params)


def _bad_row(row: Row, language: Language) -> BadRow:
    # Rows of earlier builds have their reason as a sentence.
    params = msgspec.json.decode(row["params"], type=dict[str, str])
    return BadRow(
        file=row["file_name"],
        line=row["line"],
        field=row["field"],
        code=row["code"],
        reason=row["reason"] or reason(row["code"], params, language),
    )
