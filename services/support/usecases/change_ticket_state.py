"""A change of a ticket's state without a message (S2)."""

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.contracts.support.tickets import ChangeTicketState, TicketStateChanged
from services.contracts.values import Conflict, Id, Refusal
from services.support.domain.ticket import TicketRecord
from services.support.domain.ticket_state import moved_by_customer, moved_by_staff
from services.support.usecases.change_ticket import change_ticket, save_change
from services.support.usecases.ports.transaction import SupportStore


async def change_ticket_state(
    tx: SupportStore, caller: Caller, command: ChangeTicketState, read: ReadAgain[TicketStateChanged]
) -> TicketStateChanged | Conflict | Refusal:
    """Move a ticket: customers solve it or reopen it, staff move it to any state but NEW."""
    move = moved_by_staff if caller.staff else moved_by_customer

    async def do(ticket: TicketRecord) -> Id | Refusal:
        changed = move(ticket, command.state, tx.now)
        if isinstance(changed, Refusal):
            return changed
        await save_change(tx, changed)
        return command.ticket_id

    return await change_ticket(tx, caller, "changeTicketState", command, do, TicketStateChanged, read)
