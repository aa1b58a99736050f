"""Mutation addTicketNote."""

from gateway.schema.fields import Info, field
from services.contracts.support.thread import AddTicketNote, TicketEntryAdded
from services.contracts.values import Refusal


@field("AddTicketNoteResult")
async def add_ticket_note(info: Info, input: AddTicketNote) -> TicketEntryAdded | Refusal:
    """Add a note that customers don't see to the thread of a ticket (S2). Staff only."""
    return await info.context.clients.support.add_ticket_note(input)
