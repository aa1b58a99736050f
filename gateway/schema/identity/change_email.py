"""Mutation changeEmail."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import AccountChanged, ChangeEmail
from services.contracts.values import Conflict, Refusal


@field("ChangeEmailResult")
async def change_email(info: Info, input: ChangeEmail) -> AccountChanged | Conflict | Refusal:
    """Begin a change of one's own e-mail address (I5). It takes effect when both addresses have confirmed it."""
    return await info.context.clients.identity.change_email(input)
