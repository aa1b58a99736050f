"""Mutation createPartner."""

from gateway.schema.fields import Info, field
from services.contracts.identity.partners import CreatePartner, PartnerCreated
from services.contracts.values import Refusal


@field("CreatePartnerResult")
async def create_partner(info: Info, input: CreatePartner) -> PartnerCreated | Refusal:
    """Create a partner with its first client secret, which is shown only once (I13). Staff only."""
    return await info.context.clients.identity.create_partner(input)
