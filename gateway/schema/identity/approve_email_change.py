"""Mutation approveEmailChange."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import ApproveEmailChange, EmailChangeConfirmed
from services.contracts.values import Refusal


@field("ApproveEmailChangeResult")
async def approve_email_change(info: Info, input: ApproveEmailChange) -> EmailChangeConfirmed | Refusal:
    """Confirm a change of address for a user who can't read the old address any more (I5). Staff only."""
    return await info.context.clients.identity.approve_email_change(input)
