"""Mutation register."""

from gateway.schema.fields import PASSWORD_HASH_WEIGHT, Info, field
from services.contracts.identity.people import Register, Registered
from services.contracts.values import Refusal


@field("RegisterResult", weight=PASSWORD_HASH_WEIGHT)
async def register(info: Info, input: Register) -> Registered | Refusal:
    """Create an account from the numbers on an invoice (I1). The first user of an organisation becomes its ADMIN."""
    return await info.context.clients.identity.register(input)
