"""Mutation assignTicket."""

from gateway.schema.fields import Info, field
from services.contracts.support.tickets import AssignTicket, TicketAssigned
from services.contracts.values import Conflict, Refusal


@field("AssignTicketResult")
async def assign_ticket(info: Info, input: AssignTicket) -> TicketAssigned | Conflict | Refusal:
    """Choose the employee who works on a ticket (S2). Staff only."""
    return await info.context.clients.support.assign_ticket(input)
