"""Mutation changeMember."""

from gateway.schema.fields import Info, field
from services.contracts.identity.members import ChangeMember, MemberChanged
from services.contracts.values import Conflict, Refusal


@field("ChangeMemberResult")
async def change_member(info: Info, input: ChangeMember) -> MemberChanged | Conflict | Refusal:
    """Give a member another access (I7). Admins and staff."""
    return await info.context.clients.identity.change_member(input)
