"""The opening of a ticket, whichever way it came."""

import uuid

from services.chassis.ids import find_id
from services.contracts.support.thread import EntryKind
from services.contracts.support.tickets import Channel, ContactPreference, TicketState, TicketSubject
from services.contracts.ticket_requests import Topic
from services.support.domain.ticket import EntryRecord, SenderContact, SiteCopy, TicketRecord, ticket_number
from services.support.mapping.events import ticket_opened_event
from services.support.usecases.ports.transaction import SupportStore


async def open_ticket(
    tx: SupportStore,
    ticket_id: uuid.UUID,
    *,
    site: SiteCopy | None,
    user_id: uuid.UUID | None,
    topic: Topic,
    channel: Channel,
    message: str,
    subject: TicketSubject | None = None,
    preference: ContactPreference = ContactPreference.NONE,
    contact: SenderContact | None = None,
    file_ids: list[uuid.UUID] | None = None,
) -> TicketRecord:
    """Add a new ticket with its first message, and announce it."""
    subject = subject or TicketSubject()
    ticket = TicketRecord(
        id=ticket_id,
        number=ticket_number(tx.today.year, await tx.tickets.next_number()),
        organisation_id=site.organisation_id if site else None,
        site_id=site.id if site else None,
        site_number=site.site_number if site else "",
        user_id=user_id,
        topic=topic,
        channel=channel,
        state=TicketState.NEW,
        contact_preference=preference,
        pickup_id=find_id("pickup", subject.pickup_id or ""),
        order_id=find_id("order", subject.order_id or ""),
        agreement_id=find_id("agreement", subject.agreement_id or ""),
        opened_at=tx.now,
        updated_at=tx.now,
        version=1,
    )
    await tx.tickets.add(ticket)
    await tx.entries.add(
        EntryRecord(
            id=ticket_id,
            ticket_id=ticket_id,
            kind=EntryKind.MESSAGE,
            channel=channel,
            author_id=user_id,
            text=message,
            at=tx.now,
            file_ids=file_ids or [],
        )
    )
    if contact is not None:
        await tx.tickets.add_contact(contact)
    tx.emit(ticket_opened_event(ticket))
    return ticket


async def open_own_ticket(tx: SupportStore, ticket_id: uuid.UUID, text: str) -> bool:
    """Open a ticket of Kierto itself, which staff alone see; return False if there is one with this id."""
    await tx.tickets.lock_limits(str(ticket_id))
    if await tx.tickets.by_id(ticket_id) is not None:
        return False
    await open_ticket(tx, ticket_id, site=None, user_id=None, topic=Topic.OTHER, channel=Channel.SYSTEM, message=text)
    return True
