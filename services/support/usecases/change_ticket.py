"""A change of a ticket: once for each idempotency key, in the version that the caller has read."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.chassis.ids import read_id
from services.contracts.support.thread import AddTicketNote, AnswerTicket, EntryKind, ReplyToTicket
from services.contracts.support.tickets import AssignTicket, ChangeTicketState
from services.contracts.values import Conflict, Id, MutationResult, Refusal, conflict
from services.support.domain.ticket import TicketRecord
from services.support.mapping.events import ticket_changed_event
from services.support.usecases.ports.transaction import SupportStore

R = TypeVar("R", bound=MutationResult)

TicketCommand = AddTicketNote | AnswerTicket | AssignTicket | ChangeTicketState | ReplyToTicket


async def change_ticket(
    tx: SupportStore,
    caller: Caller,
    operation: str,
    command: TicketCommand,
    do: Callable[[TicketRecord], Awaitable[Id | Refusal]],
    result: type[R],
    read: ReadAgain[R],
    version: int | None = None,
) -> R | Conflict | Refusal:
    """Change a locked ticket by ``do``, which returns the id by which the result is read.

    With a ``version``, a ticket in any other is a conflict.
    """
    ticket_id = read_id("ticket", command.ticket_id)
    shown = ""

    async def change() -> R | Conflict | Refusal:
        nonlocal shown
        ticket = await tx.tickets.lock_by_id(ticket_id)
        assert ticket is not None, "the caller was authorised for it"
        if version is not None and ticket.version != version:
            return conflict(command.ticket_id, yours=version, now=ticket.version)
        done = await do(ticket)
        if isinstance(done, Refusal):
            return done
        shown = done
        changed = await read([shown])
        assert changed is not None, "the caller reaches the ticket"
        return changed

    return await tx.change_once(
        organisation=command.ticket_id,
        caller=caller.subject_id,
        operation=operation,
        command=command,
        do=change,
        ids=lambda _: [shown],
        read_again={result: read},
    )


async def save_change(tx: SupportStore, ticket: TicketRecord, entry: EntryKind | None = None) -> None:
    """Save a changed ticket, and announce it."""
    await tx.tickets.save(ticket)
    tx.emit(ticket_changed_event(ticket, entry))
