"""Mutation signIn."""

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import PASSWORD_HASH_WEIGHT, Info, field
from services.contracts.identity.sessions import SignedIn
from services.contracts.values import Refusal, Value


class SignIn(Value, frozen=True, kw_only=True):
    """The credentials of a user."""

    username: str
    """The username."""
    password: str
    """The password."""


extend_type(SignedIn, hidden=["device"])  # for the HttpOnly cookie of /auth/session


@field("SignInResult", weight=PASSWORD_HASH_WEIGHT)
async def sign_in(info: Info, input: SignIn) -> SignedIn | Refusal:
    """Start a session (I3)."""
    return await info.context.clients.identity.sign_in(input.username, input.password)
