"""The files of an export: what a kind of file is, and its rows as they come out of the CSV, good and bad."""

import asyncio
import enum
import hashlib
import re
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from services.chassis.events.transaction import Transaction
from services.chassis.imports.csv_records import MAX_RECORD_BYTES, CsvRecord, CsvRecordReader, RecordTooLong
from services.chassis.imports.row_reader import RowError, row_error

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T", bound=Transaction)

_RECORDS_BETWEEN_YIELDS = 200
"""Records that are read without a breath: a few milliseconds."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_SHOWN = 200
"""Characters that are shown of what a file says of itself."""


class RowResult(enum.Enum):
    """What became of a good row."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"


class ImportKind(msgspec.Struct, Generic[T, R], frozen=True):
    """One kind of file: ``row`` has a field a column (snake case), ``apply`` answers for each row in order.

    ``key``: the columns that name what a row is about, which a file may state once.
    """

    name: str
    row: type[R]
    key: tuple[str, ...]
    apply: Callable[[T, Sequence[R]], Awaitable[Sequence[RowResult | RowError]]]

    @property
    def columns(self) -> list[str]:
        return [field.name for field in msgspec.structs.fields(self.row)]

    @property
    def required(self) -> set[str]:
        return {field.name for field in msgspec.structs.fields(self.row) if field.required}


class InvalidFile(ValueError):
    """A file that is not of its kind; nothing of it was staged.

    ``reason``: MISSING_COLUMNS, UNKNOWN_COLUMNS, REPEATED_COLUMNS (``params`` has the ``columns``) or LONG_LINE
    (``line``, and the ``limit`` in bytes).
    """

    def __init__(self, reason: str, **params: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = {name: _shorten(str(value)) for name, value in params.items()}


class StagedRow(NamedTuple):
    """A row as it is staged: NEW with its cells as JSON and the digest of its key, or BAD already."""

    line: int
    cells: str
    key: bytes | None
    state: str
    field: str
    code: str
    params: str


async def staged_rows(kind: ImportKind[Any, Any], pieces: AsyncIterable[bytes]) -> AsyncIterator[StagedRow]:
    """Each row, as the file comes; WrongFile if it is not of this kind.

    Bytes that are not UTF-8 spoil their row alone.
    """
    header: list[str] | None = None
    async for record in _records(pieces):
        if header is None:
            header = _header(kind, record.cells or [])
        elif record.cells is None:
            yield _bad_row(record.line, row_error("", "MALFORMED", reason="CSV"))
        elif record.cells:
            yield _new_row(kind, header, record.line, record.cells)
    if header is None:
        _header(kind, [])


async def _records(pieces: AsyncIterable[bytes]) -> AsyncIterator[CsvRecord]:
    """The records of a file, with a breath now and then, so that the process goes on with its other work."""
    records = CsvRecordReader()
    try:
        async for piece in pieces:
            for number, record in enumerate(records.feed(piece)):
                if number % _RECORDS_BETWEEN_YIELDS == 0:
                    await asyncio.sleep(0)
                yield record
        for record in records.end():
            yield record
    except RecordTooLong as long:
        raise InvalidFile("LONG_LINE", line=long.line, limit=MAX_RECORD_BYTES) from None


def _header(kind: ImportKind[Any, Any], cells: Sequence[str]) -> list[str]:
    """The columns that a file's first line names."""
    header = [name.strip() for name in cells]
    faults: list[tuple[str, Iterable[str]]] = [
        ("MISSING_COLUMNS", kind.required - set(header)),
        ("UNKNOWN_COLUMNS", set(header) - set(kind.columns)),
        ("REPEATED_COLUMNS", [name for name, count in Counter(header).items() if count > 1]),
    ]
    for reason, columns in faults:
        if columns:
            raise InvalidFile(reason, columns=", ".join(sorted(columns)))
    return header


def _new_row(kind: ImportKind[Any, Any], header: Sequence[str], line: int, cells: Sequence[str]) -> StagedRow:
    for name, cell in zip(header, cells, strict=False):
        if _SURROGATE.search(cell):
            return _bad_row(line, row_error(name, "NOT_UTF8"))
        if "\0" in cell:  # which PostgreSQL's text does not hold
            return _bad_row(line, row_error(name, "MALFORMED", reason="CHARACTERS"))
    if len(cells) != len(header):
        return _bad_row(line, row_error("", "WRONG_CELL_COUNT", found=len(cells), expected=len(header)))
    named = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    about = [named[name] for name in kind.key]
    key = hashlib.blake2b(msgspec.json.encode(about), digest_size=16).digest() if all(about) else None
    return StagedRow(line, msgspec.json.encode(named).decode(), key, "NEW", "", "", "{}")


def _bad_row(line: int, fault: RowError) -> StagedRow:
    return StagedRow(line, "{}", None, "BAD", fault.field, fault.code, msgspec.json.encode(fault.params).decode())


def _shorten(text: str) -> str:
    """A text of a file as it may be told: not for long, and without bytes that are not UTF-8."""
    return text[:_MAX_SHOWN].encode(errors="replace").decode()
