"""Mutation endMembership."""

from gateway.schema.fields import Info, field
from services.contracts.identity.members import EndMembership, MembershipEnded
from services.contracts.values import Conflict, Refusal


@field("EndMembershipResult")
async def end_membership(info: Info, input: EndMembership) -> MembershipEnded | Conflict | Refusal:
    """End a membership at once (I7). Admins and staff."""
    return await info.context.clients.identity.end_membership(input)
