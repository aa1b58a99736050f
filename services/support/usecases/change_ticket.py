"""A change of a ticket: once for each idempotency key, in the version that the caller has read."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.chassis.ids import read_id
from services.contracts.support.thread import AddTicketNote, AnswerTicket, EntryKind, ReplyToTicket, TicketEntryAdded
from services.contracts.support.tickets import AssignTicket, ChangeTicketState, PlaceTicket
from services.contracts.values import Conflict, Id, MutationResult, Refusal, conflict
from services.support.domain.ticket import TicketRecord
from services.support.mapping.events import ticket_changed_event
from services.support.usecases.ports.transaction import SupportStore

R = TypeVar("R", bound=MutationResult)


async def change_ticket(
    tx: SupportStore,
    caller: Caller,
    operation: str,
    command: AnswerTicket | AssignTicket | ChangeTicketState | PlaceTicket,
    do: Callable[[TicketRecord], Awaitable[Id | Refusal]],
    result: type[R],
    read: ReadAgain[R],
) -> R | Conflict | Refusal:
    """Change a locked ticket by ``do``, which returns the id by which the result is read.

    A ticket in any other version than the command's is a conflict.
    """
    shown: list[Id] = []

    async def change() -> R | Conflict | Refusal:
        ticket = await _lock(tx, command.ticket_id)
        if ticket.version != command.version:
            return conflict(command.ticket_id, yours=command.version, now=ticket.version)
        return await _do(ticket, do, read, shown)

    return await tx.change_once(
        organisation=command.ticket_id,
        caller=caller.subject_id,
        operation=operation,
        command=command,
        do=change,
        ids=lambda _: shown,
        read_again={result: read},
    )


async def add_to_ticket(
    tx: SupportStore,
    caller: Caller,
    operation: str,
    command: AddTicketNote | ReplyToTicket,
    do: Callable[[TicketRecord], Awaitable[Id | Refusal]],
    read: ReadAgain[TicketEntryAdded],
) -> TicketEntryAdded | Refusal:
    """Add an entry to a locked ticket in whatever version by ``do``, which returns the entry's id."""
    shown: list[Id] = []

    async def add() -> TicketEntryAdded | Refusal:
        return await _do(await _lock(tx, command.ticket_id), do, read, shown)

    return await tx.execute_once(
        organisation=command.ticket_id,
        caller=caller.subject_id,
        operation=operation,
        command=command,
        do=add,
        ids=lambda _: shown,
        read_again={TicketEntryAdded: read},
    )


async def _lock(tx: SupportStore, text: Id) -> TicketRecord:
    ticket = await tx.tickets.lock_by_id(read_id("ticket", text))
    assert ticket is not None, "the caller was authorised for it"
    return ticket


async def _do(
    ticket: TicketRecord, do: Callable[[TicketRecord], Awaitable[Id | Refusal]], read: ReadAgain[R], shown: list[Id]
) -> R | Refusal:
    done = await do(ticket)
    if isinstance(done, Refusal):
        return done
    shown.append(done)
    changed = await read(shown)
    assert changed is not None, "the caller reaches the ticket"
    return changed


async def save_change(tx: SupportStore, ticket: TicketRecord, entry: EntryKind | None = None) -> None:
    """Save a changed ticket, and announce it."""
    await tx.tickets.save(ticket)
    tx.emit(ticket_changed_event(ticket, entry))
