"""Mutation withdrawEmailChange."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import EmailChangeWithdrawn
from services.contracts.values import Refusal, Value


class WithdrawEmailChange(Value, frozen=True, kw_only=True):
    """The code of a link about a change of address."""

    token: str
    """The part of the link after `#`, or the code in the mail to either address."""


@field("WithdrawEmailChangeResult")
async def withdraw_email_change(info: Info, input: WithdrawEmailChange) -> EmailChangeWithdrawn | Refusal:
    """Withdraw a change of address that has not taken effect (I5). It needs no session."""
    return await info.context.clients.identity.withdraw_email_change(input.token)
