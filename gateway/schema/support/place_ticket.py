"""Mutation placeTicket."""

from gateway.schema.fields import Info, field
from services.contracts.support.tickets import PlaceTicket, TicketPlaced
from services.contracts.values import Conflict, Refusal


@field("PlaceTicketResult")
async def place_ticket(info: Info, input: PlaceTicket) -> TicketPlaced | Conflict | Refusal:
    """Give a ticket its site, and so its organisation, whose people see it from then on (S2). Staff only."""
    return await info.context.clients.support.place_ticket(input)
