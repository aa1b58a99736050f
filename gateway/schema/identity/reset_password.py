"""Mutation resetPassword."""

from gateway.schema.fields import PASSWORD_HASH_WEIGHT, Info, field
from services.contracts.identity.accounts import PasswordChanged
from services.contracts.values import Refusal, Value


class ResetPassword(Value, frozen=True, kw_only=True):
    """A new password in place of a forgotten one."""

    token: str
    """The part of the link after `#`, or the code in the mail. It can be used once, for 30 minutes."""
    password: str
    """The new password: no common one, and without the username."""


@field("ResetPasswordResult", weight=PASSWORD_HASH_WEIGHT)
async def reset_password(info: Info, input: ResetPassword) -> PasswordChanged | Refusal:
    """Choose a new password by the link that was sent (I4). All sessions of the user end."""
    return await info.context.clients.identity.reset_password(input.token, input.password)
