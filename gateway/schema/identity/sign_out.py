"""Mutation signOut."""

from gateway.schema.fields import Info, field
from services.contracts.identity.sessions import SignedOut
from services.contracts.values import Refusal


@field("SignOutResult")
async def sign_out(info: Info) -> SignedOut | Refusal:
    """End the session of the caller's access token (I3)."""
    return await info.context.clients.identity.sign_out()
