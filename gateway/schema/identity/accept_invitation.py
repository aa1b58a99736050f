"""Mutation acceptInvitation."""

from gateway.schema.fields import Info, field
from services.contracts.identity.invitations import AcceptInvitation, InvitationAccepted
from services.contracts.values import Refusal


@field("AcceptInvitationResult")
async def accept_invitation(info: Info, input: AcceptInvitation) -> InvitationAccepted | Refusal:
    """Accept an invitation as the signed-in user (I8)."""
    return await info.context.clients.identity.accept_invitation(input)
