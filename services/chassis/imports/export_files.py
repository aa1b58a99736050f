"""Export files: the declaration of a kind of file, and its rows as they are staged."""

import asyncio
import enum
import hashlib
import re
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from services.chassis.events.transaction import Transaction
from services.chassis.imports.csv_records import MAX_RECORD_BYTES, CsvRecord, CsvRecordReader, RecordTooLong
from services.chassis.imports.row_reader import RowError, row_error

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T", bound=Transaction)

_RECORDS_BETWEEN_YIELDS = 200
"""Records between two yields to the event loop: a few milliseconds of work."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_SHOWN = 200
"""Characters of a file's own text at most in an error."""


class RowResult(enum.Enum):
    """Effect of a valid row."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"


class ImportKind(msgspec.Struct, Generic[T, R], frozen=True):
    """A kind of file."""

    name: str
    row: type[R]
    """A Struct with a field for each column (snake case)."""
    key: tuple[str, ...]
    """The columns that identify a row's record; a file may have one row for each."""
    apply: Callable[[T, Sequence[R]], Awaitable[Sequence[RowResult | RowError]]]
    """Applies rows and returns the outcome of each, in order."""

    @property
    def columns(self) -> list[str]:
        return [field.name for field in msgspec.structs.fields(self.row)]

    @property
    def required(self) -> set[str]:
        return {field.name for field in msgspec.structs.fields(self.row) if field.required}


class InvalidFile(ValueError):
    """A file that does not match its kind.

    ``reason`` is MISSING_COLUMNS, UNKNOWN_COLUMNS, REPEATED_COLUMNS (``params`` has the ``columns``) or LONG_LINE
    (``line``, and the ``limit`` in bytes).
    """

    def __init__(self, reason: str, **params: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = {name: _shorten(str(value)) for name, value in params.items()}


class StagedRow(NamedTuple):
    """A staged row."""

    line: int
    cells: str
    """The cells as JSON."""
    key: bytes | None
    """The digest of its key columns; None if one of them is empty or the row is bad."""
    state: str
    """NEW or BAD."""
    field: str
    code: str
    params: str


async def staged_rows(kind: ImportKind[Any, Any], pieces: AsyncIterable[bytes]) -> AsyncIterator[StagedRow]:
    """Yield the rows of a streamed file; raise InvalidFile if it does not match its kind.

    Bytes that are not UTF-8 make only their row bad.
    """
    rows = _RowSplitter(kind)
    async for piece in pieces:
        for number, row in enumerate(rows.feed(piece)):
            if number % _RECORDS_BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)
            if row is not None:
                yield row
    for row in rows.end():
        if row is not None:
            yield row


class RowCount:
    """The number of rows of a file, counted while it passes."""

    def __init__(self, kind: ImportKind[Any, Any]) -> None:
        self._kind = kind
        self.total = 0

    async def count(self, pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """Yield the chunks of a file; raise InvalidFile if it does not match its kind."""
        rows = _RowSplitter(self._kind)
        async for piece in pieces:
            for number, row in enumerate(rows.feed(piece)):
                if number % _RECORDS_BETWEEN_YIELDS == 0:
                    await asyncio.sleep(0)
                self.total += row is not None
            yield piece
        self.total += sum(row is not None for row in rows.end())


class _RowSplitter:
    """Splitter of a file into its rows, as its chunks arrive."""

    def __init__(self, kind: ImportKind[Any, Any]) -> None:
        self._kind = kind
        self._records = CsvRecordReader()
        self._header: list[str] | None = None

    def feed(self, piece: bytes) -> Iterator[StagedRow | None]:
        """Yield the rows that the next chunk completes, None for a record that is none; raise InvalidFile."""
        return self._rows(self._records.feed(piece))

    def end(self) -> Iterator[StagedRow | None]:
        """Yield the last row or None; raise InvalidFile."""
        yield from self._rows(self._records.end())
        if self._header is None:
            _header(self._kind, [])

    def _rows(self, records: Iterator[CsvRecord]) -> Iterator[StagedRow | None]:
        try:
            for record in records:
                if self._header is None:
                    self._header = _header(self._kind, record.cells or [])
                    yield None
                elif record.cells is None:
                    yield _bad_row(record.line, row_error("", "MALFORMED", reason="CSV"))
                else:
                    yield _new_row(self._kind, self._header, record.line, record.cells) if record.cells else None
        except RecordTooLong as long:
            raise InvalidFile("LONG_LINE", line=long.line, limit=MAX_RECORD_BYTES) from None


def _header(kind: ImportKind[Any, Any], cells: Sequence[str]) -> list[str]:
    """Return the column names in a file's first line; raise InvalidFile if they don't match its kind."""
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
        if "\0" in cell:  # PostgreSQL's text can't hold it
            return _bad_row(line, row_error(name, "MALFORMED", reason="CHARACTERS"))
    if len(cells) != len(header):
        return _bad_row(line, row_error("", "WRONG_CELL_COUNT", found=len(cells), expected=len(header)))
    named = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    key_cells = [named[name] for name in kind.key]
    key = hashlib.blake2b(msgspec.json.encode(key_cells), digest_size=16).digest() if all(key_cells) else None
    return StagedRow(line, msgspec.json.encode(named).decode(), key, "NEW", "", "", "{}")


def _bad_row(line: int, fault: RowError) -> StagedRow:
    return StagedRow(line, "{}", None, "BAD", fault.field, fault.code, msgspec.json.encode(fault.params).decode())


def _shorten(text: str) -> str:
    """Return a file's text for an error: shortened, and without bytes that are not UTF-8."""
    return text[:_MAX_SHOWN].encode(errors="replace").decode()
