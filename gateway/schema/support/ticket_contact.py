"""Query ticketContact."""

from typing import Annotated

from gateway.schema.fields import Info, field
from services.contracts.support.tickets import TicketContact
from services.contracts.values import Doc, Refusal, TicketId


@field("TicketContactResult")
async def ticket_contact(
    info: Info, ticket_id: Annotated[TicketId, Doc("The id of the ticket.")]
) -> TicketContact | Refusal:
    """The person to whom the answers to a ticket go (S2). Each read is in the audit log. Staff only."""
    return await info.context.clients.support.ticket_contact(ticket_id)
