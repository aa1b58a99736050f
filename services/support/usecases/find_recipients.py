"""The recipients of a cause's messages, as access is at the time of the call."""

from collections.abc import Sequence

from services.chassis.ids import write_id
from services.contracts.support.messages import MessageKind
from services.contracts.support.tickets import Channel
from services.support.domain.message import CauseRecord
from services.support.domain.message_kind import RULES, Subject
from services.support.domain.ticket import TicketRecord
from services.support.usecases.ports.transaction import SupportStore


async def find_recipients(tx: SupportStore, cause: CauseRecord) -> Sequence[str]:
    """Return the ids of users; else of the ticket whose sender, or of the site whose contact is told.

    Those who wrote in a ticket are told of it, if they reach it still. Other things are told to all customers who reach
    them, and to the site's contact if there are none.
    """
    if cause.recipient:
        # Staff alone have reach beyond organisations.
        return await tx.members.reaching([cause.recipient], cause.organisation_id, cause.site_id, tx.today)
    ticket = await find_ticket(tx, cause)
    of_ticket = await _of_ticket(tx, cause, ticket) if ticket else None
    return await _of_site(tx, cause) if of_ticket is None else of_ticket


async def _of_ticket(tx: SupportStore, cause: CauseRecord, ticket: TicketRecord) -> Sequence[str] | None:
    """Return those who wrote in a ticket, or who gave an address; None if there is nobody of either kind."""
    writers = await _writers(tx, cause.kind, ticket)
    if writers:
        return await tx.members.reaching(writers, ticket.organisation_id, ticket.site_id, tx.today)
    sender = await tx.tickets.contact(ticket.id)
    if sender is not None and sender.email:
        return [write_id("ticket", ticket.id)]
    return [] if cause.kind is MessageKind.RECEIPT else None


async def _of_site(tx: SupportStore, cause: CauseRecord) -> Sequence[str]:
    if cause.organisation_id is None:
        return []
    members = await tx.members.of_site(cause.organisation_id, cause.site_id, tx.today)
    if members or cause.site_id is None:
        return members
    return [write_id("site", cause.site_id)]


async def find_ticket(tx: SupportStore, cause: CauseRecord) -> TicketRecord | None:
    """Return the ticket that a cause is about; None if it is about none."""
    match RULES[cause.kind].subject:
        case Subject.TICKET:
            return await tx.tickets.by_id(cause.subject)
        case Subject.ENTRY:
            entry = await tx.entries.by_id(cause.subject)
            return await tx.tickets.by_id(entry.ticket_id) if entry else None
        case _:
            return None


async def _writers(tx: SupportStore, kind: MessageKind, ticket: TicketRecord) -> list[str]:
    if kind is not MessageKind.RECEIPT:
        return [write_id("user", one) for one in await tx.entries.customers_of(ticket.id)]
    if ticket.channel is Channel.PORTAL and ticket.user_id is not None:
        return [write_id("user", ticket.user_id)]
    return []
