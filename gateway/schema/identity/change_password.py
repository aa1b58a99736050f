"""Mutation changePassword."""

from gateway.schema.fields import PASSWORD_HASH_WEIGHT, Info, field
from services.contracts.identity.accounts import PasswordChanged
from services.contracts.values import Refusal, Value


class ChangePassword(Value, frozen=True, kw_only=True):
    """Another password for the caller."""

    current_password: str
    """The present password."""
    new_password: str
    """The new password: no common one, and without the username."""


@field("ChangePasswordResult", weight=2 * PASSWORD_HASH_WEIGHT)
async def change_password(info: Info, input: ChangePassword) -> PasswordChanged | Refusal:
    """Change one's own password (I5). The user's other sessions end."""
    return await info.context.clients.identity.change_password(input.current_password, input.new_password)
