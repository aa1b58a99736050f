"""Tickets as responses."""

from services.chassis.ids import write_id
from services.contracts.support import Ticket
from services.support.domain.ticket import TicketRecord


def ticket_response(ticket: TicketRecord) -> Ticket:
    """Return a ticket as the callers that reach its site see it."""
    return Ticket(
        id=write_id("ticket", ticket.id),
        number=ticket.number,
        organisation_id=write_id("org", ticket.organisation_id),
        site_id=write_id("site", ticket.site_id),
        topic=ticket.topic,
        state=ticket.state,
        message=ticket.message,
        contact_preference=ticket.contact_preference,
        opened_at=ticket.opened_at,
    )
