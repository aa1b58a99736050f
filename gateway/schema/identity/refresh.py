"""Going on with a session."""

from gateway.schema.fields import Info, field
from services.contracts.identity import SignedIn
from services.contracts.values import Refusal, Value


class Refresh(Value, frozen=True, kw_only=True):
    """The refresh token that was given last."""

    refresh_token: str


@field("SignInResult")
async def refresh(info: Info, input: Refresh) -> SignedIn | Refusal:
    """Go on with a session: a new access token and the next refresh token (I3)."""
    return await info.context.identity.refresh(input.refresh_token)
