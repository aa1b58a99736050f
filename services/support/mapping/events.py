"""Tickets and messages as events."""

from services.chassis.ids import write_id, write_optional_id
from services.contracts.support.events import MessagesWritten, TicketChanged, TicketOpened
from services.contracts.support.thread import EntryKind
from services.support.domain.message import CauseRecord
from services.support.domain.ticket import TicketRecord


def ticket_opened_event(ticket: TicketRecord) -> TicketOpened:
    """Return the event of a new ticket, without its message."""
    return TicketOpened(
        ticket_id=write_id("ticket", ticket.id),
        organisation_id=write_optional_id("org", ticket.organisation_id),
        site_id=write_optional_id("site", ticket.site_id),
        topic=ticket.topic,
        channel=ticket.channel,
        version=ticket.version,
    )


def ticket_changed_event(ticket: TicketRecord, entry: EntryKind | None) -> TicketChanged:
    """Return the event of a changed ticket, and of an entry that it got."""
    return TicketChanged(
        ticket_id=write_id("ticket", ticket.id),
        organisation_id=write_optional_id("org", ticket.organisation_id),
        site_id=write_optional_id("site", ticket.site_id),
        state=ticket.state,
        entry=entry,
        version=ticket.version,
    )


def messages_written_event(cause: CauseRecord, messages: int) -> MessagesWritten:
    """Return the event of a cause whose messages were written."""
    return MessagesWritten(
        cause_id=write_id("cause", cause.id),
        kind=cause.kind,
        organisation_id=write_optional_id("org", cause.organisation_id),
        site_id=write_optional_id("site", cause.site_id),
        messages=messages,
    )
