"""The rows of imports that were left out, in the order of their file: page by page, or all of them as they are read.

Why a row was left out is kept as a code and its params, and told in its reader's language (``bad_rows.toml``).
"""

import functools
import tomllib
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

from services.chassis.db.paging import IntegerKey, KeysetPage
from services.chassis.db.postgres import Pool, Row
from services.contracts.identity import Language
from services.contracts.imports import BadRow
from services.contracts.values import Connection as Listing
from services.contracts.values import Page

_BATCH_ROWS = 1000

_BAD_ROWS = """
    SELECT r.line, r.field, r.code, r.params, r.reason, i.file_name FROM chassis.import_rows r
    JOIN chassis.imports i ON i.id = r.import_id
    WHERE r.import_id = $1 AND r.state = 'BAD' AND r.line > $2 ORDER BY r.line LIMIT $3
"""
_COUNT = "SELECT count(*) FROM chassis.import_rows WHERE import_id = $1 AND state = 'BAD'"


async def page_of(pool: Pool, import_id: uuid.UUID | None, page: Page, language: Language) -> Listing[BadRow]:
    """A page of them; none for an import that is not there."""
    part: KeysetPage[BadRow] = KeysetPage(page, (IntegerKey,), "badRows", import_id)
    rows = await pool.fetch(_BAD_ROWS, import_id, part.after[0] or 0, part.limit)
    edges = [([row["line"]], _bad_row(row, language)) for row in rows]
    return part.connection(edges, await pool.fetchval(_COUNT, import_id))


async def all_of(pool: Pool, import_id: uuid.UUID | None, language: Language) -> AsyncIterator[list[BadRow]]:
    """All of them, some at a time.

    Each time with a question of its own: a cursor of the database would keep a connection and a transaction for as
    long as the reader takes. None comes twice, and none of an import that is done is left out.
    """
    after = 0
    while rows := await pool.fetch(_BAD_ROWS, import_id, after, _BATCH_ROWS):
        yield [_bad_row(row, language) for row in rows]
        after = rows[-1]["line"]


def reason(code: str, params: Mapping[str, str], language: Language) -> str:
    """Say in a language why a row was left out."""
    texts = catalogue()
    found = texts.get(f"{code}.{params.get('reason')}") or texts.get(code)
    # What a newer build found may be unknown to this one.
    return found[language.value].format_map(defaultdict(lambda: "…", params)) if found else code


@functools.cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """The texts of every code, by language."""
    return tomllib.loads((Path(__file__).parent / "bad_rows.toml").read_text(encoding="utf-8"))


def _bad_row(row: Row, language: Language) -> BadRow:
    # A row that an earlier build left out has its sentence.
    params = msgspec.json.decode(row["params"], type=dict[str, str])
    return BadRow(
        file=row["file_name"],
        line=row["line"],
        field=row["field"],
        code=row["code"],
        reason=row["reason"] or reason(row["code"], params, language),
    )
