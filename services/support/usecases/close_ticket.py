"""The end of a solved ticket: it is closed when it can't be reopened any more (S2)."""

import uuid

from services.chassis.jobs.job import Job
from services.support.domain.ticket_state import closed_by_time
from services.support.usecases.change_ticket import save_change
from services.support.usecases.ports.transaction import SupportStore


class CloseTicket(Job, frozen=True, kw_only=True, tag="close-ticket"):
    """The job that closes a solved ticket after the time for reopening it."""

    ticket_id: uuid.UUID


async def close_ticket(tx: SupportStore, ticket_id: uuid.UUID) -> None:
    """Close a solved ticket, unless it was moved meanwhile."""
    ticket = await tx.tickets.lock_by_id(ticket_id)
    if ticket and (closed := closed_by_time(ticket, tx.now)):
        await save_change(tx, closed)
