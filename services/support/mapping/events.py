"""Tickets as events."""

from services.chassis.ids import write_id
from services.contracts.support.events import TicketChanged, TicketOpened
from services.contracts.support.thread import EntryKind
from services.support.domain.ticket import TicketRecord


def ticket_opened_event(ticket: TicketRecord) -> TicketOpened:
    """Return the event of a new ticket, without its message."""
    return TicketOpened(
        ticket_id=write_id("ticket", ticket.id),
        organisation_id=write_id("org", ticket.organisation_id) if ticket.organisation_id else None,
        site_id=write_id("site", ticket.site_id) if ticket.site_id else None,
        topic=ticket.topic,
        channel=ticket.channel,
        version=ticket.version,
    )


def ticket_changed_event(ticket: TicketRecord, entry: EntryKind | None) -> TicketChanged:
    """Return the event of a changed ticket, and of an entry that it got."""
    return TicketChanged(
        ticket_id=write_id("ticket", ticket.id),
        organisation_id=write_id("org", ticket.organisation_id) if ticket.organisation_id else None,
        site_id=write_id("site", ticket.site_id) if ticket.site_id else None,
        state=ticket.state,
        entry=entry,
        version=ticket.version,
    )
