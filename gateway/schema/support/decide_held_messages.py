"""Mutation decideHeldMessages."""

from gateway.schema.fields import Info, field
from services.contracts.support.held_messages import DecideHeldMessages, HeldMessagesDecided
from services.contracts.values import Refusal


@field("DecideHeldMessagesResult")
async def decide_held_messages(info: Info, input: DecideHeldMessages) -> HeldMessagesDecided | Refusal:
    """Send or drop messages that were held after a restore of the database (S5). Staff only."""
    return await info.context.clients.support.decide_held_messages(input)
