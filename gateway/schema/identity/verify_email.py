"""Mutation verifyEmail."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import EmailVerified
from services.contracts.values import Refusal, Value


class VerifyEmail(Value, frozen=True, kw_only=True):
    """The code of a link that verifies an address."""

    token: str
    """The part of the link after `#`, or the code in the mail. It can be used once, for 24 hours."""


@field("VerifyEmailResult")
async def verify_email(info: Info, input: VerifyEmail) -> EmailVerified | Refusal:
    """Verify the e-mail address of an account by the link that was sent there. It needs no session."""
    return await info.context.clients.identity.verify_email(input.token)
