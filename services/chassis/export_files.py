"""The files of an export: what a kind of file is, and its rows as they come out of the CSV, good and bad."""

import asyncio
import enum
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from services.chassis.csv_records import LONGEST_RECORD, CsvRecords, LongRecord, Record
from services.chassis.transaction import Transaction

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T", bound=Transaction)

_AT_ONCE = 200
"""Records that are read without a breath: a few milliseconds."""
_SHOWN = 200
"""Characters that are shown of what a file says of itself."""


class Result(enum.Enum):
    """What became of a good row."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"


class Bad(msgspec.Struct, frozen=True):
    """What is wrong with a row. ``later``: it refers to what is not here yet, and may be right in a moment."""

    field: str
    code: str
    reason: str
    later: bool = False


class Kind(msgspec.Struct, Generic[T, R], frozen=True):
    """One kind of file: ``row`` has a field a column (snake case), ``apply`` answers for each row in order."""

    name: str
    row: type[R]
    apply: Callable[[T, Sequence[R]], Awaitable[Sequence[Result | Bad]]]

    @property
    def columns(self) -> list[str]:
        return [field.name for field in msgspec.structs.fields(self.row)]

    @property
    def required(self) -> set[str]:
        return {field.name for field in msgspec.structs.fields(self.row) if field.required}


class WrongFile(ValueError):
    """A file that is not of its kind; nothing of it was staged.

    ``reason``: MISSING_COLUMNS, UNKNOWN_COLUMNS, REPEATED_COLUMNS (``params`` has the ``columns``) or LONG_LINE
    (``line``, and the ``limit`` in bytes).
    """

    def __init__(self, reason: str, **params: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = {name: _shown(str(value)) for name, value in params.items()}


def read_row(row: type[R], cells: Mapping[str, str]) -> R:
    """A row from its cells. An empty cell is an absent one; msgspec.ValidationError names the field that is wrong."""
    return msgspec.convert({name: text for name, text in cells.items() if text}, row, strict=False)


def invalid(error: msgspec.ValidationError) -> Bad:
    """What is wrong with a row that does not fit its kind."""
    reason, _, place = str(error).partition(" - at `$.")
    if "missing required field" in reason:
        return Bad(reason.split("`")[1], "MISSING", "must not be empty")
    return Bad(place.rstrip("`"), "MALFORMED", reason)


async def staged_rows(
    kind: Kind[Any, Any], pieces: AsyncIterable[bytes]
) -> AsyncIterator[tuple[int, str, str, str, str, str]]:
    """(line, cells, state, field, code, reason) of each row, as the file comes; WrongFile if it is not of this kind.

    Bytes that are not UTF-8 spoil their row alone.
    """
    header: list[str] | None = None
    async for record in _records(pieces):
        if header is None:
            header = _header(kind, record.cells or [])
        elif record.cells is None:
            yield record.line, "{}", "BAD", "", "MALFORMED", "not CSV"
        elif record.cells:
            yield _row(header, record.line, record.cells)
    if header is None:
        _header(kind, [])


async def _records(pieces: AsyncIterable[bytes]) -> AsyncIterator[Record]:
    """The records of a file, with a breath now and then, so that the process goes on with its other work."""
    records = CsvRecords()
    try:
        async for piece in pieces:
            for number, record in enumerate(records.feed(piece)):
                if number % _AT_ONCE == 0:
                    await asyncio.sleep(0)
                yield record
        for record in records.end():
            yield record
    except LongRecord as long:
        raise WrongFile("LONG_LINE", line=long.line, limit=LONGEST_RECORD) from None


def _header(kind: Kind[Any, Any], cells: Sequence[str]) -> list[str]:
    """The columns that a file's first line names."""
    header = [name.strip() for name in cells]
    faults: list[tuple[str, Iterable[str]]] = [
        ("MISSING_COLUMNS", kind.required - set(header)),
        ("UNKNOWN_COLUMNS", set(header) - set(kind.columns)),
        ("REPEATED_COLUMNS", [name for name, count in Counter(header).items() if count > 1]),
    ]
    for reason, columns in faults:
        if columns:
            raise WrongFile(reason, columns=", ".join(sorted(columns)))
    return header


def _row(header: Sequence[str], line: int, cells: Sequence[str]) -> tuple[int, str, str, str, str, str]:
    spoilt = [name for name, cell in zip(header, cells, strict=False) if not _is_text(cell)]
    if spoilt:
        return line, "{}", "BAD", spoilt[0], "NOT_UTF8", "has bytes that are not UTF-8"
    if len(cells) != len(header):
        reason = f"has {len(cells)} cells, the header has {len(header)}"
        return line, "{}", "BAD", "", "WRONG_CELL_COUNT", reason
    named = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    return line, msgspec.json.encode(named).decode(), "NEW", "", "", ""


def _shown(text: str) -> str:
    """A text of a file as it may be told: not for long, and without bytes that are not UTF-8."""
    return text[:_SHOWN].encode(errors="replace").decode()


def _is_text(cell: str) -> bool:
    """Whether a cell can be kept: valid UTF-8, and without NUL, which PostgreSQL's text does not take."""
    return "\x00" not in cell and not any("\udc80" <= character <= "\udcff" for character in cell)
