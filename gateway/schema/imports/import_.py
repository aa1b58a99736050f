"""Query import."""

from typing import Annotated

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, field
from gateway.schema.imports.owners import owner_of
from services.contracts.imports import Import
from services.contracts.values import Doc, Id

extend_type(Import, node=True)


@field(name="import")
async def import_(info: Info, id: Annotated[Id, Doc("The global id of the import.")]) -> Import | None:
    """The import with an id (I17, L9); null if it does not exist. Staff only."""
    service = owner_of(id)
    if service is None:
        return None
    (found,) = await info.context.clients.importing(service).imports_by_id([id])
    return found
