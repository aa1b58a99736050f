"""Mutation withdrawInvitation."""

from gateway.schema.fields import Info, field
from services.contracts.identity.invitations import InvitationWithdrawn, WithdrawInvitation
from services.contracts.values import Conflict, Refusal


@field("WithdrawInvitationResult")
async def withdraw_invitation(info: Info, input: WithdrawInvitation) -> InvitationWithdrawn | Conflict | Refusal:
    """Withdraw an invitation, whose link is not valid any more (I7). Admins and staff."""
    return await info.context.clients.identity.withdraw_invitation(input)
