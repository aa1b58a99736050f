"""Making an account."""

from gateway.schema.fields import PASSWORD_HASH_WEIGHT, Info, field
from services.contracts.identity import Register, Registered
from services.contracts.values import Refusal


@field("RegisterResult", weight=PASSWORD_HASH_WEIGHT)
async def register(info: Info, input: Register) -> Registered | Refusal:
    """Make an account from what is printed on an invoice (I1); the first of an organisation becomes its ADMIN."""
    return await info.context.identity.register(input)
