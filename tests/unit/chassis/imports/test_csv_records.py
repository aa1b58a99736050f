"""Incremental CSV parser: the same records as ``csv``, in bounded memory and linear time."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.events.transaction import Transaction
from services.chassis.imports.csv_records import CsvRecordReader, RecordTooLong
from services.chassis.imports.export_files import ImportKind, InvalidFile, RowResult, staged_rows
from services.chassis.imports.row_reader import RowError

Found = list[tuple[int, list[str] | None]]
awkward = st.text(st.sampled_from('ab,;"\n\rä ')).map(str.encode) | st.binary(max_size=20)


def read_with_csv(data: bytes) -> Found:
    """Return the records that ``csv`` reads."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(text, strict=True)
    found: Found = []
    while True:
        line = reader.line_num + 1
        try:
            found.append((line, next(reader)))
        except StopIteration:
            return found
        except csv.Error:
            found.append((line, None))


def split(data: bytes, sizes: Iterator[int]) -> Found:
    records, found, place = CsvRecordReader(), [], 0
    while place < len(data):
        size = next(sizes, 1)
        found += list(records.feed(data[place : place + size]))
        place += size
    found += list(records.end())
    return [(one.line, one.cells) for one in found]


@given(st.sampled_from([b"", b"\xef\xbb\xbf"]), awkward, st.lists(st.integers(1, 9)))
def test_records_are_the_same_in_any_chunks(mark: bytes, rest: bytes, sizes: list[int]) -> None:
    data = mark + b"a,b\n" + rest
    assert split(data, iter(sizes)) == read_with_csv(data)


def test_semicolons_separate_where_the_first_line_has_more_of_them() -> None:
    assert split(b'a;b\n1,5;"2;\n"\n', iter([100])) == [(1, ["a", "b"]), (2, ["1,5", "2;\n"])]


@pytest.mark.parametrize(
    ("rest", "line"),
    [(b"x" * 60, 2), (b"1,2\n" + b"x" * 60, 3), (b'1,"' + b"x\n" * 30, 2), (b"x" * 60 + b"\n", 2)],
    ids=["without an end", "after others", "in quotes", "with an end"],
)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_record_has_a_longest_length(rest: bytes, line: int, size: int) -> None:
    records, data = CsvRecordReader(longest=50), b"a,b\n" + rest
    with pytest.raises(RecordTooLong) as caught:
        for place in range(0, len(data), size):
            list(records.feed(data[place : place + size]))
    assert caught.value.line == line


class Row(msgspec.Struct):
    """A row of a file."""

    a: str


async def never(tx: Transaction, rows: Sequence[Row]) -> Sequence[RowResult | RowError]:
    raise AssertionError


KIND = ImportKind("files", Row, ("a",), never)


async def test_a_line_without_end_is_refused_before_it_is_read() -> None:
    """150 MB of one record: the chunks after the first ones are not read."""
    records_read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal records_read
        yield b"a\n"
        for _ in range(150):
            records_read += 1
            yield b"x" * 1_000_000

    with pytest.raises(InvalidFile) as caught:
        [row async for row in staged_rows(KIND, endless())]
    assert (caught.value.reason, caught.value.params) == ("LONG_LINE", {"line": "2", "limit": "64000"})
    assert records_read == 1


@pytest.mark.parametrize("line", [b"x\n", b"\n", b'"\n"\n'], ids=["rows", "empty lines", "lines in quotes"])
async def test_other_work_goes_on_while_a_file_is_read(line: bytes) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def file() -> AsyncIterator[bytes]:
        yield b"a\n" + line * 20_000

    counting = asyncio.create_task(count())
    async for _ in staged_rows(KIND, file()):
        pass
    counting.cancel()
    assert turns >= 20_000 / 250


@pytest.mark.parametrize(
    ("first", "reason", "columns"),
    [
        (b"", "MISSING_COLUMNS", "a"),
        (b"b\n", "MISSING_COLUMNS", "a"),
        (b"a,\xff,b\n", "UNKNOWN_COLUMNS", "b, ?"),
        (b"a,a\n", "REPEATED_COLUMNS", "a"),
        (b"a," + b"b" * 1000 + b"\n", "UNKNOWN_COLUMNS", "b" * 200),
    ],
)
async def test_a_file_of_another_kind_is_refused_by_its_first_line(first: bytes, reason: str, columns: str) -> None:
    async def file() -> AsyncIterator[bytes]:
        if first:
            yield first

    with pytest.raises(InvalidFile) as caught:
        [row async for row in staged_rows(KIND, file())]
    assert (caught.value.reason, caught.value.params) == (reason, {"columns": columns})
