"""Signing in."""

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import PASSWORD_HASH_WEIGHT, Info, field
from services.contracts.identity import SignedIn
from services.contracts.values import Refusal, Value


class SignIn(Value, frozen=True, kw_only=True):
    """Who signs in."""

    username: str
    password: str


extend_type(SignedIn, hidden=["device"])  # for the cookie of /auth/session, which no page can read


@field("SignInResult", weight=PASSWORD_HASH_WEIGHT)
async def sign_in(info: Info, input: SignIn) -> SignedIn | Refusal:
    """Begin a session (I3)."""
    return await info.context.identity.sign_in(input.username, input.password)
