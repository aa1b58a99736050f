"""Mutation unlock."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import AccountUnlocked
from services.contracts.values import Refusal, Value


class Unlock(Value, frozen=True, kw_only=True):
    """The code of a link that ends the wait after failed sign-ins."""

    token: str
    """The part of the link after `#`, or the code in the mail. It can be used once, for a day."""


@field("UnlockResult")
async def unlock(info: Info, input: Unlock) -> AccountUnlocked | Refusal:
    """End the wait after too many failed sign-ins by the link that was sent to the owner (I6)."""
    return await info.context.clients.identity.unlock(input.token)
