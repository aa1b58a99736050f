"""The choice of the employee who works on a ticket (S2)."""

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.chassis.ids import find_id
from services.contracts.support.tickets import AssignTicket, TicketAssigned
from services.contracts.values import Conflict, Id, Refusal, refuse
from services.support.domain.ticket import TicketRecord
from services.support.domain.ticket_state import with_assignee
from services.support.usecases.change_ticket import change_ticket, save_change
from services.support.usecases.ports.transaction import SupportStore


async def assign_ticket(
    tx: SupportStore, caller: Caller, command: AssignTicket, read: ReadAgain[TicketAssigned]
) -> TicketAssigned | Conflict | Refusal:
    """Assign a ticket to one of the staff, or to no one. Refused with NOT_STAFF for anyone else."""

    async def do(ticket: TicketRecord) -> Id | Refusal:
        assignee = None
        if command.assignee_id is not None:
            assignee = find_id("user", command.assignee_id)
            if assignee is None or not await tx.staff.is_active(command.assignee_id):
                return refuse("NOT_STAFF", "assigneeId")
        await save_change(tx, with_assignee(ticket, assignee, tx.now))
        return command.ticket_id

    return await change_ticket(tx, caller, "assignTicket", command, do, TicketAssigned, read)
