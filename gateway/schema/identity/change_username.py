"""Mutation changeUsername."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import AccountChanged, ChangeUsername
from services.contracts.values import Conflict, Refusal


@field("ChangeUsernameResult")
async def change_username(info: Info, input: ChangeUsername) -> AccountChanged | Conflict | Refusal:
    """Rename oneself (I5). A name that another has, or that looks like another's, is refused."""
    return await info.context.clients.identity.change_username(input)
