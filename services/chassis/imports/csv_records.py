"""Incremental CSV parser (RFC 4180): only the incomplete record is in memory."""

import csv
from collections.abc import Iterator

import msgspec

MAX_RECORD_BYTES = 64_000
"""Bytes of a record at most, its line breaks included: ten times the longest row of an export."""


class RecordTooLong(ValueError):
    """A record is longer than ``MAX_RECORD_BYTES``; ``line`` is its first line."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


class CsvRecord(msgspec.Struct, frozen=True):
    """A record of a file. An empty line is a record without cells."""

    line: int
    """The number of its first line, counted from 1."""
    cells: list[str] | None
    """The cells, with bytes that are not UTF-8 as lone surrogates (PEP 383); None for malformed CSV."""


class CsvRecordReader:
    """Splitter of a file into records. The first line decides whether cells are separated by commas or semicolons.

    A line ends in CR, LF or both. The time is linear in the bytes, however they are divided into chunks.
    """

    def __init__(self, longest: int = MAX_RECORD_BYTES) -> None:
        self._longest = longest
        self._pieces: list[bytes] = []
        """The incomplete line."""
        self._lines: list[str] = []
        """The complete lines of the incomplete record."""
        self._size = 0
        """Bytes of both."""
        self._number = 0
        self._separator = ""
        self._quoted = False
        """Whether a quoted cell is open at the end of ``_lines``."""

    def feed(self, piece: bytes) -> Iterator[CsvRecord]:
        """Yield the records that the next chunk completes; raise RecordTooLong for one that is too long."""
        # A CR at the end of the last chunk may be the first half of a line break.
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
        """Yield the last record, which needs no line break; one that ends inside quotes is malformed."""
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
    """Return whether a quoted cell is open at a line's end. Only a quote at a cell's beginning opens one, as in csv."""
    index = 0
    while True:
        if quoted or line.startswith('"', index):
            index = line.find('"', index if quoted else index + 1)
            while index >= 0 and line.startswith('""', index):
                index = line.find('"', index + 2)
            if index < 0:
                return True
            quoted = False
            if not line.startswith(separator, index + 1):
                return False  # the line ends, or is malformed
        index = line.find(separator, index) + 1
        if not index:
            return False
