"""Mutation joinByInvitation."""

from gateway.schema.fields import Info, field
from services.contracts.identity.invitations import JoinByInvitation, JoinedByInvitation
from services.contracts.values import Refusal


@field("JoinByInvitationResult")
async def join_by_invitation(info: Info, input: JoinByInvitation) -> JoinedByInvitation | Refusal:
    """Create an account by an invitation (I8). Without a token."""
    return await info.context.clients.identity.join_by_invitation(input)
