"""Mutation refresh."""

from gateway.schema.fields import Info, field
from services.contracts.identity.sessions import SignedIn
from services.contracts.values import Refusal, Value


class Refresh(Value, frozen=True, kw_only=True):
    """The latest refresh token of a session."""

    refresh_token: str
    """The refresh token. It can be used once."""


@field("SignInResult")
async def refresh(info: Info, input: Refresh) -> SignedIn | Refusal:
    """Continue a session with a new access token and a new refresh token (I3)."""
    return await info.context.clients.identity.refresh(input.refresh_token)
