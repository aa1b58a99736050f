"""Fields of BulkOperation and BulkProgress from other contracts."""

from typing import Annotated, Any

import strawberry

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field, field, load_many, requested_page, selected_field_names
from gateway.schema.imports.owners import owner_of
from gateway.schema.nodes import load_nodes
from services.contracts.bulk_operations import BulkOperation, BulkProgress
from services.contracts.identity.actors import Actor
from services.contracts.imports import BadRow, BadRowFilter, BadRowOrder
from services.contracts.values import Connection, Doc


@batch_field(needs=["starter_id"])
async def started_by(operations: list[BulkOperation], info: Info) -> list[Actor | None]:
    """The one who started it; null before, and if they are not known any more."""
    ids = [operation.starter_id for operation in operations if operation.starter_id]
    actors = dict(zip(ids, await load_many(ids, info.context.clients.identity.actors), strict=True))
    return [actors[operation.starter_id] if operation.starter_id else None for operation in operations]


@field()
async def bad_rows(
    operation: strawberry.Parent[BulkOperation],
    info: Info,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Annotated[BadRowFilter | None, Doc("The conditions that the rows meet; None: no condition.")] = None,
    order: Annotated[BadRowOrder | None, Doc("The order; None: that of the file.")] = None,
) -> Connection[BadRow] | None:
    """The rows that failed, in their order; of an import, the rows that were not imported."""
    service = owner_of(operation.id)
    assert service is not None, "the parent was found by its id"
    page = requested_page(info, first, after, last, before)
    return await info.context.clients.importing(service).bad_rows(operation.id, page, filter, order)


@field()
async def operation(progress: strawberry.Parent[BulkProgress], info: Info) -> BulkOperation | None:
    """The operation; null if the caller may not see it."""
    found: list[Any] = await load_nodes(info.context, [progress.operation_id], selected_field_names(info))
    return found[0] if isinstance(found[0], BulkOperation) else None


extend_type(BulkOperation, started_by, bad_rows, hidden=["starter_id"], node=True)
extend_type(BulkProgress, operation)
