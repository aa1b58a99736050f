"""Ending a partner's access."""

from gateway.schema.fields import Info, field
from services.contracts.identity import PartnerRevoked
from services.contracts.values import Id, Refusal, Value


class RevokePartner(Value, frozen=True, kw_only=True):
    """The partner whose access ends."""

    id: Id


@field("RevokePartnerResult")
async def revoke_partner(info: Info, input: RevokePartner) -> PartnerRevoked | Refusal:
    """End a partner's access at once (I13). Staff only."""
    return await info.context.identity.revoke_partner(input.id)
