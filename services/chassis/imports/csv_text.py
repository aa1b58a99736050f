"""Rows as CSV, for people who open them in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

CONTENT_TYPE = "text/csv; charset=utf-8; header=present"
"""RFC 4180, section 3; RFC 7111, section 5.1."""

_FORMULA_PREFIXES = tuple("=+-@\t\r\n＝＋－＠")


def csv_text(rows: Iterable[Sequence[str | int]]) -> bytes:
    """Rows as CSV (RFC 4180, section 2), in UTF-8.

    A text that a spreadsheet would take for a formula and carry out gets an apostrophe before it (CWE-1236): it may
    come from someone else's file.
    """
    written = io.StringIO(newline="")
    csv.writer(written).writerows([[_escape_formula(cell) for cell in row] for row in rows])
    return written.getvalue().encode()


def _escape_formula(cell: str | int) -> str | int:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_PREFIXES) else cell
