"""What the services that take in files of an ERP export have in common (I17, L9, O16)."""

import enum
from typing import Protocol

from services.contracts.declare import read, write
from services.contracts.values import Connection, Id, Outcome, Page, Refusal, Value

FILE_TYPE = "text/csv"
"""The media type of a file. No form of another origin can send it."""
LARGEST_FILE = 200_000_000
"""Bytes of a file at most: three million pickups. While it is staged it lies on the disk of a service."""


class ImportState(enum.Enum):
    """Where an import stands. STAGED: the file is here, nothing was done; the last two are final."""

    STAGED = "STAGED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


class Import(Value, frozen=True, kw_only=True):
    """One file on its way in. Counts are rows of the file, its header left out."""

    id: Id
    kind: str
    file_name: str
    state: ImportState
    total: int
    done: int
    added: int
    changed: int
    unchanged: int
    failed: int


class BadRow(Value, frozen=True, kw_only=True):
    """A row that was left out: its line, counted from 1 with the header, and why, in the reader's language."""

    file: str
    line: int
    field: str
    code: str
    reason: str


class ImportStarted(Outcome, frozen=True, kw_only=True):
    """The import runs, or has run already: to start twice is to start once."""

    imported: Import


class Importing(Protocol):
    """Operations on a staged file. Staff only."""

    @write
    async def start_import(self, id: Id) -> ImportStarted | Refusal:
        """Take in a staged file; good rows are kept, bad ones reported."""
        ...

    @read
    async def imports(self, ids: list[Id]) -> list[Import | None]:
        """The imports with these ids, in their order; None for one that is not there."""
        ...

    @read
    async def bad_rows(self, id: Id, page: Page) -> Connection[BadRow]:
        """The rows of an import that were left out, in the order of the file."""
        ...
