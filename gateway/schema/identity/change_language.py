"""Mutation changeLanguage."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import AccountChanged, ChangeLanguage
from services.contracts.values import Conflict, Refusal


@field("ChangeLanguageResult")
async def change_language(info: Info, input: ChangeLanguage) -> AccountChanged | Conflict | Refusal:
    """Change the language of one's own mails and messages (I5)."""
    return await info.context.clients.identity.change_language(input)
