"""Mutation revokePartner."""

from gateway.schema.fields import Info, field
from services.contracts.identity.partners import PartnerRevoked
from services.contracts.values import Conflict, Id, Refusal, Value


class RevokePartner(Value, frozen=True, kw_only=True):
    """The partner to revoke."""

    id: Id
    """The id of the partner."""
    version: int
    """The version of the partner that the caller has read."""


@field("RevokePartnerResult")
async def revoke_partner(info: Info, input: RevokePartner) -> PartnerRevoked | Conflict | Refusal:
    """Revoke a partner: its secrets and tokens are invalid at once (I13). Staff only."""
    return await info.context.clients.identity.revoke_partner(input.id, input.version)
