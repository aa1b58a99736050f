"""Mutation confirmEmailChange."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import EmailChangeConfirmed
from services.contracts.values import Refusal, Value


class ConfirmEmailChange(Value, frozen=True, kw_only=True):
    """The code of a link about a change of address."""

    token: str
    """The part of the link after `#`, or the code in the mail to either address. It confirms once, for 24 hours."""


@field("ConfirmEmailChangeResult")
async def confirm_email_change(info: Info, input: ConfirmEmailChange) -> EmailChangeConfirmed | Refusal:
    """Confirm a change of address for the address that got the link (I5). It needs no session."""
    return await info.context.clients.identity.confirm_email_change(input.token)
