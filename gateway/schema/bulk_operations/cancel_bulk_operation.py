"""Mutation cancelBulkOperation."""

import strawberry

from gateway.schema.contract_types import extend_type, output_type
from gateway.schema.fields import Info, field, typed_field
from gateway.schema.imports.owners import owner_of
from services.contracts.bulk_operations import BulkOperation
from services.contracts.imports import BulkOperationCancelled
from services.contracts.values import Id, Refusal, Value, refuse


class CancelBulkOperation(Value, frozen=True, kw_only=True):
    """The bulk operation to cancel."""

    id: Id
    """The id of the bulk operation."""


@typed_field(output_type(BulkOperation))
def operation(cancelled: strawberry.Parent[BulkOperationCancelled]) -> BulkOperation:
    """The bulk operation: it may be RUNNING for a moment until it has stopped."""
    return cancelled.imported


extend_type(BulkOperationCancelled, operation, hidden=["imported"])


@field("CancelBulkOperationResult")
async def cancel_bulk_operation(info: Info, input: CancelBulkOperation) -> BulkOperationCancelled | Refusal:
    """Cancel a bulk operation: it stops between two chunks, and what was processed stays. Staff only (imports)."""
    service = owner_of(input.id)
    if service is None:
        return refuse("NOT_FOUND", "id")
    return await info.context.clients.importing(service).cancel_import(input.id)
