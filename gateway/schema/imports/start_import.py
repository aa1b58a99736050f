"""Mutation startImport."""

from gateway.schema.fields import Info, field
from gateway.schema.imports.owners import owner_of
from services.contracts.imports import ImportStarted
from services.contracts.values import Id, Refusal, Value, refuse


class StartImport(Value, frozen=True, kw_only=True):
    """The import of a file that was uploaded by `POST /files/{service}/import-{kind}`."""

    id: Id
    """The id that the upload answered with."""
    dry_run: bool = False
    """Whether to count and report what the import would do, and import nothing: to import the file, upload it again."""


@field("StartImportResult")
async def start_import(info: Info, input: StartImport) -> ImportStarted | Refusal:
    """Start the import of a file (I17, L9, O16): valid rows are imported, invalid ones reported. Staff only."""
    service = owner_of(input.id)
    if service is None:
        return refuse("NOT_FOUND", "id")
    return await info.context.clients.importing(service).start_import(input.id, input.dry_run)
