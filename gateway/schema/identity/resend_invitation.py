"""Mutation resendInvitation."""

from gateway.schema.fields import Info, field
from services.contracts.identity.invitations import InvitationResent, ResendInvitation
from services.contracts.values import Conflict, Refusal


@field("ResendInvitationResult")
async def resend_invitation(info: Info, input: ResendInvitation) -> InvitationResent | Conflict | Refusal:
    """Send an invitation again, with another link and 14 more days (I7). Admins and staff."""
    return await info.context.clients.identity.resend_invitation(input)
