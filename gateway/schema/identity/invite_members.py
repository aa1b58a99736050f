"""Mutation inviteMembers."""

from gateway.schema.fields import Info, field
from services.contracts.identity.invitations import InviteMembers, MembersInvited
from services.contracts.values import Refusal


@field("InviteMembersResult")
async def invite_members(info: Info, input: InviteMembers) -> MembersInvited | Refusal:
    """Invite people to an organisation by mail (I7). Its admins and staff."""
    return await info.context.clients.identity.invite_members(input)
