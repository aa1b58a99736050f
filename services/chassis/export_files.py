"""The files of an export: what a kind of file is, and its rows as they come out of the CSV, good and bad."""

import csv
import enum
import io
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Generic, TypeVar

import msgspec

from services.chassis.transaction import Transaction

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T", bound=Transaction)


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
    """A file whose header does not fit its kind, for these columns; nothing of it was staged.

    ``reason``: MISSING_COLUMNS or UNKNOWN_COLUMNS.
    """

    def __init__(self, reason: str, columns: Iterable[str]) -> None:
        self.reason = reason
        self.columns = ", ".join(sorted(columns))
        super().__init__(f"{reason}: {self.columns}")


def read_row(row: type[R], cells: Mapping[str, str]) -> R:
    """A row from its cells. An empty cell is an absent one; msgspec.ValidationError names the field that is wrong."""
    return msgspec.convert({name: text for name, text in cells.items() if text}, row, strict=False)


def invalid(error: msgspec.ValidationError) -> Bad:
    """What is wrong with a row that does not fit its kind."""
    reason, _, place = str(error).partition(" - at `$.")
    if "missing required field" in reason:
        return Bad(reason.split("`")[1], "MISSING", "must not be empty")
    return Bad(place.rstrip("`"), "MALFORMED", reason)


def staged_rows(kind: Kind[Any, Any], file: IO[bytes]) -> Iterator[tuple[int, str, str, str, str, str]]:
    """(line, cells, state, field, code, reason) of each row. Bytes that are not UTF-8 spoil their row alone."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        first = text.readline()
        separator = ";" if first.count(";") > first.count(",") else ","
        header = [name.strip() for name in next(csv.reader([first], delimiter=separator), [])]
        missing, unknown = kind.required - set(header), set(header) - set(kind.columns)
        if missing:
            raise WrongFile("MISSING_COLUMNS", missing)
        if unknown:
            raise WrongFile("UNKNOWN_COLUMNS", unknown)
        reader = csv.reader(text, delimiter=separator, strict=True)
        while True:
            line = reader.line_num + 2
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, "{}", "BAD", "", "MALFORMED", f"not CSV: {error}"
                continue
            if not cells:
                continue
            spoilt = [name for name, cell in zip(header, cells, strict=False) if not _is_text(cell)]
            if spoilt:
                yield line, "{}", "BAD", spoilt[0], "NOT_UTF8", "has bytes that are not UTF-8"
            elif len(cells) != len(header):
                reason = f"has {len(cells)} cells, the header has {len(header)}"
                yield line, "{}", "BAD", "", "WRONG_CELL_COUNT", reason
            else:
                named = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
                yield line, msgspec.json.encode(named).decode(), "NEW", "", "", ""
    finally:
        text.detach()


def _is_text(cell: str) -> bool:
    """Whether a cell can be kept: valid UTF-8, and without NUL, which PostgreSQL's text does not take."""
    return "\x00" not in cell and not any("\udc80" <= character <= "\udcff" for character in cell)
