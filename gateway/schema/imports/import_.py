"""Query import, and the fields of its type."""

from typing import Annotated

import strawberry

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, field, is_total_selected
from gateway.schema.imports.owners import owner_of
from services.contracts.imports import BadRow, Import
from services.contracts.values import Connection, Doc, Id, Page


@field()
async def bad_rows(
    imported: strawberry.Parent[Import],
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Connection[BadRow] | None:
    """The rows that were not imported, in the order of the file."""
    service = owner_of(imported.id)
    assert service is not None, "the parent was found by its id"
    page = Page(first=first, after=after, last=last, before=before, total=is_total_selected(info))
    return await info.context.clients.importing(service).bad_rows(imported.id, page)


extend_type(Import, bad_rows, node=True)


@field(name="import")
async def import_(info: Info, id: Annotated[Id, Doc("The global id of the import.")]) -> Import | None:
    """The import with an id (I17, L9); null if it does not exist. Staff only."""
    service = owner_of(id)
    if service is None:
        return None
    (found,) = await info.context.clients.importing(service).imports([id])
    return found
