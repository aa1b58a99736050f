"""Contract of all services that import files of an ERP export (I17, L9, O16)."""

import enum
from typing import Annotated, Protocol

from services.contracts.bulk_operations import BulkOperation, BulkOperationState, BulkProgress
from services.contracts.declare import Event, read, write
from services.contracts.files import FileLink
from services.contracts.permission import STAFF, SubjectKind, allow
from services.contracts.values import (
    Connection,
    Filter,
    Id,
    MutationResult,
    Page,
    Refusal,
    SortDirection,
    Sorting,
    TextLimit,
    Value,
)

FILE_TYPE = "text/csv"
"""The media type of an import file. A form of another origin can't send it."""
MAX_FILE_BYTES = 200_000_000
"""Room for three million pickups."""
MAX_BAD_ROWS_BYTES = 2_000_000_000
"""Bytes of the file of the bad rows at most: enough for ten million rows with reasons of 200 characters."""
OWNER_BY_KIND = {
    "organisations": "identity",
    "invoices": "stats",
    "sites": "sites",
    "containers": "sites",
    "articles": "orders",
    "routes": "orders",
    "holidays": "orders",
    "rules": "orders",
    "agreements": "orders",
    "pickups": "orders",
}
"""The service that imports a kind of file."""
UPLOAD_PREFIX = "import-"
"""The beginning of the purpose of an upload; the kind of file follows."""


class FieldLead(enum.Enum):
    """The side whose value stands if a field was changed in the file and here since the last import. LATER: the
    file's, if its row was ``changed_at`` after the change here; the present one, if one of the times is unknown.
    """

    IMPORT = "IMPORT"
    PORTAL = "PORTAL"
    LATER = "LATER"


class Import(BulkOperation, frozen=True, kw_only=True):
    """The import of a file, row by row. The rows of a dry run have the results that they would have."""

    file_name: str
    """The name of the file as it was uploaded."""
    dry_run: bool = False
    """Whether the rows are only counted and reported, and nothing is imported."""
    added: int
    """The number of processed rows that added a record."""
    changed: int
    """The number of processed rows that changed a record."""
    unchanged: int
    """The number of processed rows that changed nothing."""
    file: FileLink | None = None
    """The uploaded file, for 30 days; None afterwards."""
    bad_rows_file: FileLink | None = None
    """The bad rows of an import that has ended, as CSV (line, field, code, reason), for 30 days; None without any.

    Its reasons are in the language in which the import was started.
    """


class ImportFinished(Event, frozen=True, kw_only=True):
    """An import that a user started has reached its final state. Each service declares its own."""

    import_id: Id
    """The id of the import."""
    state: BulkOperationState
    """The final state."""
    starter_id: Id
    """The id of the user who started it."""


class ImportFileKind(enum.Enum):
    """The kind of an import file."""

    ORGANISATIONS = "ORGANISATIONS"
    """Customer organisations."""
    INVOICES = "INVOICES"
    """Invoices."""
    SITES = "SITES"
    """Sites."""
    CONTAINERS = "CONTAINERS"
    """Containers of sites."""
    ARTICLES = "ARTICLES"
    """Articles with their prices."""
    ROUTES = "ROUTES"
    """Routes of the trucks."""
    HOLIDAYS = "HOLIDAYS"
    """Holidays, and the days that pickups move to."""
    RULES = "RULES"
    """Rules of the municipalities."""
    AGREEMENTS = "AGREEMENTS"
    """Agreements."""
    PICKUPS = "PICKUPS"
    """Past pickups."""


class ImportFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of imports."""

    states: list[BulkOperationState] | None = None
    """Imports in one of these states; None: in all."""


class ImportOrderField(enum.Enum):
    """The fields that imports can be ordered by."""

    UPLOADED_AT = "UPLOADED_AT"
    """By the time at which the file was uploaded."""


class ImportOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of imports."""

    field: ImportOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class BadRow(Value, frozen=True, kw_only=True):
    """A row that was not imported, or that has a CONFLICT: a field that was changed in the file and here since the last
    import.
    """

    file: str
    """The name of the file."""
    line: int
    """The number of the line in the file, from 1; the header is line 1."""
    field: str
    """The column with the problem; empty if it concerns the whole row."""
    code: str
    """The kind of the problem, in capitals; stable."""
    reason: str
    """A message for the user, in the caller's language."""


class BadRowFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of bad rows."""

    codes: list[Annotated[str, TextLimit(100)]] | None = None
    """Rows with one of these kinds of problem; None: with any."""
    fields: list[Annotated[str, TextLimit(100)]] | None = None
    """Rows with a problem in one of these columns; None: in any."""


class BadRowOrderField(enum.Enum):
    """The fields that bad rows can be ordered by."""

    LINE = "LINE"
    """By the number of the line in the file."""


class BadRowOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of bad rows."""

    field: BadRowOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class ImportStarted(MutationResult, frozen=True, kw_only=True):
    """The import was started, now or before: a repetition has no effect."""

    imported: Import
    """The import."""


class BulkOperationCancelled(MutationResult, frozen=True, kw_only=True):
    """The bulk operation will process no further things, or has stopped already: a repetition has no effect.

    It stops between two chunks of things: its state is CANCELLED once it has stopped.
    """

    imported: Import
    """The import."""


class Importing(Protocol):
    """Operations on import files."""

    @write(STAFF)
    async def start_import(self, id: Id, dry_run: bool = False) -> ImportStarted | Refusal:
        """Start the import of an uploaded file: valid rows are imported, invalid ones reported.

        A dry run counts and reports the same, and imports nothing. A row that refers to a record of another file that
        is not imported is a bad row of it. The import of a file that was run dry, and a dry run of one that was
        imported, are refused with ALREADY_STARTED.
        """
        ...

    @write(STAFF)
    async def cancel_import(self, id: Id) -> BulkOperationCancelled | Refusal:
        """Stop an import between two chunks of rows; imported rows stay. A repetition has no effect.

        Refused with NOT_FOUND, and with ALREADY_ENDED if the import is done or has failed.
        """
        ...

    @read(allow(SubjectKind.STAFF, services=("gateway",)))
    async def import_progress(self, ids: list[Id]) -> list[BulkProgress | None]:
        """Return the progress of the imports with these ids, in this order; None for one that does not exist."""
        ...

    @read(STAFF)
    async def imports(
        self, kind: ImportFileKind, page: Page, filter: ImportFilter | None = None, order: ImportOrder | None = None
    ) -> Connection[Import]:
        """Return the imports of a kind of file; the latest ones first without an ``order``.

        Another service's kinds have none here.
        """
        ...

    @read(allow(SubjectKind.STAFF, services=("support",)))
    async def imports_by_id(self, ids: list[Id]) -> list[Import | None]:
        """Return the imports with these ids, in this order; None for one that does not exist."""
        ...

    @read(STAFF)
    async def bad_rows(
        self, id: Id, page: Page, filter: BadRowFilter | None = None, order: BadRowOrder | None = None
    ) -> Connection[BadRow]:
        """Return the rows that were not imported; in the order of the file without an ``order``."""
        ...
