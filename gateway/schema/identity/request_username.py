"""Mutation requestUsername."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import RecoveryRequested
from services.contracts.values import EmailAddress, Refusal, Value


class RequestUsername(Value, frozen=True, kw_only=True):
    """The e-mail address of someone who forgot their username."""

    email: EmailAddress
    """The address."""


@field("RequestUsernameResult")
async def request_username(info: Info, input: RequestUsername) -> RecoveryRequested | Refusal:
    """Send the usernames of an e-mail address to it (I4). The answer does not tell whether there are any."""
    return await info.context.clients.identity.request_username(input.email)
