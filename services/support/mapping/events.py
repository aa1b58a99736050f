"""Tickets as events."""

from services.chassis.ids import write_id
from services.contracts.support import TicketOpened
from services.support.domain.ticket import TicketRecord


def ticket_opened_event(ticket: TicketRecord) -> TicketOpened:
    """Return the event of a new ticket, without its message."""
    return TicketOpened(
        ticket_id=write_id("ticket", ticket.id),
        organisation_id=write_id("org", ticket.organisation_id),
        site_id=write_id("site", ticket.site_id),
        topic=ticket.topic,
        version=ticket.version,
    )
