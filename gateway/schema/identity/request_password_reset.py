"""Mutation requestPasswordReset."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import RecoveryRequested
from services.contracts.values import Refusal, Value


class RequestPasswordReset(Value, frozen=True, kw_only=True):
    """The account of someone who forgot their password."""

    account: str
    """The username or the e-mail address. Each account of an address gets its own link."""


@field("RequestPasswordResetResult")
async def request_password_reset(info: Info, input: RequestPasswordReset) -> RecoveryRequested | Refusal:
    """Send a link by which a new password is chosen (I4). The answer does not tell whether there is such an account."""
    return await info.context.clients.identity.request_password_reset(input.account)
