"""Mutation replyToTicket."""

from gateway.schema.fields import Info, field
from services.contracts.support.thread import ReplyToTicket, TicketEntryAdded
from services.contracts.values import Refusal


@field("ReplyToTicketResult")
async def reply_to_ticket(info: Info, input: ReplyToTicket) -> TicketEntryAdded | Refusal:
    """Write another message in the thread of a ticket (S2). One that is settled is reopened by it. Customers only."""
    return await info.context.clients.support.reply_to_ticket(input)
