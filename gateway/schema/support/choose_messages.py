"""Mutation chooseMessages."""

from gateway.schema.fields import Info, field
from services.contracts.support.messages import ChooseMessages, MessagesChosen
from services.contracts.values import Refusal


@field("ChooseMessagesResult")
async def choose_messages(info: Info, input: ChooseMessages) -> MessagesChosen | Refusal:
    """Choose which kinds of messages come, and which do not (S8)."""
    return await info.context.clients.support.choose_messages(input)
