"""A note of the staff in the thread of a ticket, which customers don't see (S2)."""

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.contracts.support.thread import AddTicketNote, EntryKind, TicketEntryAdded
from services.contracts.support.tickets import Channel
from services.contracts.values import Id, Refusal
from services.support.domain.ticket import TicketRecord
from services.support.usecases.add_entry import add_entry, parse_draft
from services.support.usecases.change_ticket import add_to_ticket
from services.support.usecases.ports.transaction import SupportStore


async def add_ticket_note(
    tx: SupportStore, caller: Caller, command: AddTicketNote, read: ReadAgain[TicketEntryAdded]
) -> TicketEntryAdded | Refusal:
    """Add a note. The ticket keeps its version, by which customers would notice it."""
    draft = parse_draft(command.text, command.attachment_ids)
    if isinstance(draft, Refusal):
        return draft

    async def do(ticket: TicketRecord) -> Id | Refusal:
        return await add_entry(tx, caller, ticket, EntryKind.NOTE, Channel.PORTAL, draft)

    return await add_to_ticket(tx, caller, "addTicketNote", command, do, read)
