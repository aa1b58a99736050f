"""CSV output for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA_PREFIXES = tuple("=+-@\t\r\n＝＋－＠")


def csv_text(rows: Iterable[Sequence[str | int]]) -> bytes:
    """Return rows as CSV (RFC 4180, section 2) in UTF-8.

    An apostrophe precedes a text that a spreadsheet would execute as a formula (CWE-1236): it may be of an untrusted
    file.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[_escape_formula(cell) for cell in row] for row in rows])
    return text.getvalue().encode()


def _escape_formula(cell: str | int) -> str | int:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_PREFIXES) else cell
