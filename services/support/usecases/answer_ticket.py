"""An answer of the staff in the thread of a ticket (S2)."""

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.chassis.ids import read_id
from services.contracts.support.thread import AnswerTicket, EntryKind, TicketEntryAdded
from services.contracts.support.tickets import Channel
from services.contracts.values import Conflict, Id, Refusal
from services.support.domain.ticket import TicketRecord
from services.support.domain.ticket_state import after_answer
from services.support.usecases.add_entry import add_entry, parse_draft
from services.support.usecases.change_ticket import change_ticket, save_change
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.record_cause import record_answer


async def answer_ticket(
    tx: SupportStore, caller: Caller, command: AnswerTicket, read: ReadAgain[TicketEntryAdded]
) -> TicketEntryAdded | Conflict | Refusal:
    """Add an answer of the staff, and move the ticket to the state that it is in afterwards."""
    draft = parse_draft(command.text, command.attachment_ids)
    if isinstance(draft, Refusal):
        return draft

    async def do(ticket: TicketRecord) -> Id | Refusal:
        changed = after_answer(ticket, command.state, tx.now)
        if isinstance(changed, Refusal):
            return changed
        await save_change(tx, changed, EntryKind.ANSWER)
        added = await add_entry(tx, caller, changed, EntryKind.ANSWER, command.channel, draft)
        # One that was told by telephone or letter is known already.
        if command.channel is Channel.PORTAL and not isinstance(added, Refusal):
            await record_answer(tx, changed, read_id("entry", added))
        return added

    return await change_ticket(tx, caller, "answerTicket", command, do, TicketEntryAdded, read)
