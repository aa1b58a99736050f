"""Tickets that services ask for by event (S4): one for each cause, which is added to, and closed by a later event."""

from services.chassis.ids import find_id
from services.contracts.identity.people import Language
from services.contracts.support.tickets import Channel, TicketState
from services.contracts.ticket_requests import TicketRequested, TicketRequestWithdrawn
from services.support.domain.ticket import TicketRecord, requested_ticket_id
from services.support.domain.ticket_state import SETTLED_STATES, moved_by_staff
from services.support.mapping.ticket_requests import describe_request, describe_withdrawal, ticket_subject
from services.support.usecases.add_entry import add_system_note
from services.support.usecases.change_ticket import save_change
from services.support.usecases.open_ticket import open_ticket
from services.support.usecases.ports.transaction import SupportStore


async def answer_ticket_request(tx: SupportStore, service: str, language: Language, asked: TicketRequested) -> None:
    """Open the ticket of a cause, or add a note to the one that it has; one that is settled is opened again."""
    ticket_id = requested_ticket_id(service, asked.cause)
    text = describe_request(asked, language)
    ticket = await tx.tickets.lock_by_id(ticket_id)
    if ticket is None:
        site_id = find_id("site", asked.site_id or "")
        await open_ticket(
            tx,
            ticket_id,
            site=await tx.sites.by_id(site_id) if site_id else None,
            user_id=None,
            topic=asked.topic,
            channel=Channel.SYSTEM,
            message=text,
            subject=ticket_subject(asked.subject_id),
        )
        return
    if ticket.state in SETTLED_STATES:
        await _move(tx, ticket, TicketState.OPEN)
    await add_system_note(tx, ticket_id, text)


async def withdraw_ticket_request(
    tx: SupportStore, service: str, language: Language, withdrawn: TicketRequestWithdrawn
) -> None:
    """Close the ticket of a cause, if it has one that is not settled already."""
    ticket = await tx.tickets.lock_by_id(requested_ticket_id(service, withdrawn.cause))
    if ticket is None or ticket.state in SETTLED_STATES:
        return
    await _move(tx, ticket, TicketState.CLOSED)
    await add_system_note(tx, ticket.id, describe_withdrawal(language))


async def _move(tx: SupportStore, ticket: TicketRecord, state: TicketState) -> None:
    moved = moved_by_staff(ticket, state, tx.now)
    assert isinstance(moved, TicketRecord), "staff may move a ticket to this state"
    await save_change(tx, moved)
