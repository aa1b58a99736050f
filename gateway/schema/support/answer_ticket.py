"""Mutation answerTicket."""

from gateway.schema.fields import Info, field
from services.contracts.support.thread import AnswerTicket, TicketEntryAdded
from services.contracts.values import Conflict, Refusal


@field("AnswerTicketResult")
async def answer_ticket(info: Info, input: AnswerTicket) -> TicketEntryAdded | Conflict | Refusal:
    """Answer a customer in the thread of a ticket, and by mail (S2). Staff only."""
    return await info.context.clients.support.answer_ticket(input)
