"""Records of a CSV file (RFC 4180) as its bytes come: only the record that is not complete yet is held in memory."""

import csv
from collections.abc import Iterator

import msgspec

MAX_RECORD_BYTES = 64_000
"""Bytes of a record at most, its line breaks included: ten times the longest row of an export."""


class RecordTooLong(ValueError):
    """A record is longer than ``MAX_RECORD_BYTES``; ``line`` is its first."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


class CsvRecord(msgspec.Struct, frozen=True):
    """A record and its first line, counted from 1. ``cells`` is None where the record is not CSV.

    Bytes that are not UTF-8 stand in the cells as lone surrogates (PEP 383). An empty line is a record without cells.
    """

    line: int
    cells: list[str] | None


class CsvRecordReader:
    """Cuts a file into records. Its first line says whether cells are separated by commas or by semicolons.

    A line ends in CR, LF or both. The work is linear in the bytes, however they are cut into pieces.
    """

    def __init__(self, longest: int = MAX_RECORD_BYTES) -> None:
        self._longest = longest
        self._pieces: list[bytes] = []
        """The line that is not complete yet."""
        self._lines: list[str] = []
        """The record that is not complete yet."""
        self._size = 0
        """Bytes of both."""
        self._number = 0
        self._separator = ""
        self._quoted = False
        """Whether a quoted cell is open at the end of ``_lines``."""

    def feed(self, piece: bytes) -> Iterator[CsvRecord]:
        """The records that the next piece completes; LongRecord for one that grows too long."""
        # A CR at the end of the last piece may have been the first half of a line break.
        if b"\n" not in piece and b"\r" not in piece and not (self._pieces and self._pieces[-1].endswith(b"\r")):
            self._hold(piece)
            return
        lines = b"".join((*self._pieces, piece)).splitlines(keepends=True)
        self._size -= sum(map(len, self._pieces))
        self._pieces.clear()
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        for line in lines:
            yield from self._take(line)
        self._hold(rest)

    def end(self) -> Iterator[CsvRecord]:
        """The last record, which needs no line break; one that ends inside quotes is not CSV."""
        rest = b"".join(self._pieces)
        self._size -= len(rest)
        self._pieces.clear()
        if rest:
            yield from self._take(rest)
        if self._lines:
            yield self._record()

    def _hold(self, rest: bytes) -> None:
        if rest:
            self._grow(len(rest))
            self._pieces.append(rest)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._longest:
            raise RecordTooLong(self._number - len(self._lines) + 1)

    def _take(self, line: bytes) -> Iterator[CsvRecord]:
        self._grow(len(line))
        self._number += 1
        if self._number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._separator = ";" if line.count(b";") > line.count(b",") else ","
        text = line.decode("utf-8", "surrogateescape")
        self._lines.append(text)
        if self._quoted or '"' in text:
            self._quoted = _ends_in_quotes(text, self._separator, self._quoted)
        if not self._quoted:
            yield self._record()

    def _record(self) -> CsvRecord:
        first, lines = self._number - len(self._lines) + 1, self._lines
        self._lines, self._size, self._quoted = [], 0, False
        try:
            return CsvRecord(first, next(csv.reader(lines, delimiter=self._separator, strict=True)))
        except csv.Error:
            return CsvRecord(first, None)


def _ends_in_quotes(line: str, separator: str, quoted: bool) -> bool:
    """Whether a quoted cell is open at a line's end. Quotes count at a cell's beginning alone, as in ``csv``."""
    place = 0
    while True:
        if quoted or line.startswith('"', place):
            place = line.find('"', place if quoted else place + 1)
            while place >= 0 and line.startswith('""', place):
                place = line.find('"', place + 2)
            if place < 0:
                return True
            quoted = False
            if not line.startswith(separator, place + 1):
                return False  # the line ends, or is not CSV
        place = line.find(separator, place) + 1
        if not place:
            return False
