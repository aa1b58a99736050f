"""Tickets and their entries as responses."""

from services.chassis.ids import write_id, write_optional_id
from services.contracts.files import FileLink
from services.contracts.support.mail_suppressions import MailRecipientKind, MailSuppression
from services.contracts.support.thread import TicketEntry
from services.contracts.support.tickets import Ticket
from services.support.domain.mail_suppression import MailSuppressionRecord
from services.support.domain.ticket import EntryRecord, TicketRecord
from services.support.domain.ticket_state import reopenable_until


def ticket_response(ticket: TicketRecord, message: str) -> Ticket:
    """Return a ticket with its first message as the callers that reach it see it."""
    return Ticket(
        id=write_id("ticket", ticket.id),
        number=ticket.number,
        organisation_id=write_optional_id("org", ticket.organisation_id),
        site_id=write_optional_id("site", ticket.site_id),
        pickup_id=write_optional_id("pickup", ticket.pickup_id),
        order_id=write_optional_id("order", ticket.order_id),
        agreement_id=write_optional_id("agreement", ticket.agreement_id),
        topic=ticket.topic,
        channel=ticket.channel,
        state=ticket.state,
        message=message,
        contact_preference=ticket.contact_preference,
        by=write_optional_id("user", ticket.user_id),
        assigned_to=write_optional_id("user", ticket.assigned_to),
        opened_at=ticket.opened_at,
        updated_at=ticket.updated_at,
        reopenable_until=reopenable_until(ticket),
        version=ticket.version,
    )


def entry_response(entry: EntryRecord, attachments: list[FileLink]) -> TicketEntry:
    """Return an entry of a thread with links to its files."""
    return TicketEntry(
        id=write_id("entry", entry.id),
        ticket_id=write_id("ticket", entry.ticket_id),
        kind=entry.kind,
        channel=entry.channel,
        by=write_optional_id("user", entry.author_id),
        text=entry.text,
        at=entry.at,
        attachments=attachments,
    )


def suppression_response(suppression: MailSuppressionRecord) -> MailSuppression:
    """Return a suppressed address as the staff see it."""
    kind = suppression.recipient_kind
    return MailSuppression(
        id=write_id("suppression", suppression.id),
        recipient_kind=kind,
        user_id=suppression.recipient if kind is MailRecipientKind.USER else None,
        site_id=suppression.recipient if kind is MailRecipientKind.SITE else None,
        ticket_id=suppression.recipient if kind is MailRecipientKind.TICKET else None,
        reason=suppression.reason,
        status=suppression.status,
        since=suppression.since,
        until=suppression.until,
    )
