"""A message of a customer in the thread of a ticket (S2)."""

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.chassis.ids import read_id
from services.contracts.support.thread import EntryKind, ReplyToTicket, TicketEntryAdded
from services.contracts.support.tickets import Channel
from services.contracts.values import Id, Refusal
from services.support.domain.limits import WINDOW, MessageLimits, limit_refusal
from services.support.domain.ticket import TicketRecord
from services.support.domain.ticket_state import after_message
from services.support.usecases.add_entry import Draft, add_entry, parse_draft
from services.support.usecases.change_ticket import add_to_ticket, save_change
from services.support.usecases.ports.transaction import SupportStore


async def reply_to_ticket(
    tx: SupportStore, caller: Caller, limits: MessageLimits, command: ReplyToTicket, read: ReadAgain[TicketEntryAdded]
) -> TicketEntryAdded | Refusal:
    """Add a message of a customer; a ticket that is settled is reopened by it."""
    draft = parse_draft(command.text, command.attachment_ids)
    if isinstance(draft, Refusal):
        return draft

    async def do(ticket: TicketRecord) -> Id | Refusal:
        return await _reply(tx, caller, limits, ticket, draft)

    return await add_to_ticket(tx, caller, "replyToTicket", command, do, read)


async def _reply(
    tx: SupportStore, caller: Caller, limits: MessageLimits, ticket: TicketRecord, draft: Draft
) -> Id | Refusal:
    user_id = read_id("user", caller.subject_id)
    await tx.tickets.lock_limits(f"replies {user_id}")
    full_since = await tx.entries.nth_newest_of_author(user_id, limits.reply, tx.now - WINDOW)
    if full_since and (refusal := limit_refusal([full_since], tx.now)):
        return refusal
    changed = after_message(ticket, tx.now)
    if isinstance(changed, Refusal):
        return changed
    await save_change(tx, changed, EntryKind.MESSAGE)
    return await add_entry(tx, caller, changed, EntryKind.MESSAGE, Channel.PORTAL, draft)
