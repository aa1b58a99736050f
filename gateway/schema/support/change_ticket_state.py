"""Mutation changeTicketState."""

from gateway.schema.fields import Info, field
from services.contracts.support.tickets import ChangeTicketState, TicketStateChanged
from services.contracts.values import Conflict, Refusal


@field("ChangeTicketStateResult")
async def change_ticket_state(info: Info, input: ChangeTicketState) -> TicketStateChanged | Conflict | Refusal:
    """Change the state of a ticket without a message (S2): customers declare it solved, or reopen it."""
    return await info.context.clients.support.change_ticket_state(input)
