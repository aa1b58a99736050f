"""The states of a ticket, and the moves between them."""

import datetime as dt
import uuid

import msgspec

from services.contracts.support.tickets import TicketState
from services.contracts.values import Refusal, refuse
from services.support.domain.ticket import TicketRecord

REOPENING_PERIOD = dt.timedelta(days=30)
"""The time for which a settled ticket can be reopened by its customer; a solved one is closed then."""

SETTLED_STATES = frozenset({TicketState.SOLVED, TicketState.CLOSED})
STATES_AFTER_ANSWER = frozenset(
    {TicketState.OPEN, TicketState.WAITING_FOR_CUSTOMER, TicketState.SOLVED, TicketState.CLOSED}
)


def reopenable_until(ticket: TicketRecord) -> dt.datetime | None:
    """Return the time until which a settled ticket can be reopened; None for one that is not settled."""
    return ticket.settled_at + REOPENING_PERIOD if ticket.settled_at else None


def after_message(ticket: TicketRecord, now: dt.datetime) -> TicketRecord | Refusal:
    """Return a ticket after another message of the customer: customer service is to answer.

    A ticket that nobody has read stays NEW. Refused with TICKET_CLOSED if it can't be reopened any more.
    """
    state = TicketState.NEW if ticket.state is TicketState.NEW else TicketState.WAITING_FOR_US
    return _moved(ticket, state, now)


def after_answer(ticket: TicketRecord, state: TicketState, now: dt.datetime) -> TicketRecord | Refusal:
    """Return a ticket after an answer of the staff.

    Refused with ILLEGAL_MOVE unless the ``state`` is one of ``STATES_AFTER_ANSWER``.
    """
    if state not in STATES_AFTER_ANSWER:
        return refuse("ILLEGAL_MOVE", "state", before=ticket.state.value, after=state.value)
    return _moved(ticket, state, now, by_staff=True)


def with_assignee(ticket: TicketRecord, assignee: uuid.UUID | None, now: dt.datetime) -> TicketRecord:
    """Return a ticket on which another employee works; a new one is open then."""
    state = TicketState.OPEN if ticket.state is TicketState.NEW and assignee else ticket.state
    updated_at = ticket.updated_at if state is ticket.state else now
    return msgspec.structs.replace(
        ticket, assigned_to=assignee, state=state, updated_at=updated_at, version=ticket.version + 1
    )


def moved_by_customer(ticket: TicketRecord, state: TicketState, now: dt.datetime) -> TicketRecord | Refusal:
    """Return a ticket that a customer declares solved, or reopens.

    Refused with ILLEGAL_MOVE for any other move, with TICKET_CLOSED if it can't be reopened any more.
    """
    settled = ticket.state in SETTLED_STATES
    if state is not (TicketState.WAITING_FOR_US if settled else TicketState.SOLVED):
        return refuse("ILLEGAL_MOVE", "state", before=ticket.state.value, after=state.value)
    return _moved(ticket, state, now)


def moved_by_staff(ticket: TicketRecord, state: TicketState, now: dt.datetime) -> TicketRecord | Refusal:
    """Return a ticket that the staff move to any state but NEW. Refused with ILLEGAL_MOVE for that one."""
    if state is TicketState.NEW:
        return refuse("ILLEGAL_MOVE", "state", before=ticket.state.value, after=state.value)
    return _moved(ticket, state, now, by_staff=True)


def closed_by_time(ticket: TicketRecord, now: dt.datetime) -> TicketRecord | None:
    """Return a solved ticket that is closed because it can't be reopened any more; None for any other."""
    until = reopenable_until(ticket)
    if ticket.state is not TicketState.SOLVED or until is None or now <= until:
        return None
    return msgspec.structs.replace(ticket, state=TicketState.CLOSED, updated_at=now, version=ticket.version + 1)


def _moved(
    ticket: TicketRecord, state: TicketState, now: dt.datetime, *, by_staff: bool = False
) -> TicketRecord | Refusal:
    until = reopenable_until(ticket)
    reopens = until is not None and state not in SETTLED_STATES
    if reopens and until is not None and now > until and not by_staff:
        return refuse("TICKET_CLOSED", "ticketId", number=ticket.number)
    settled_at = (ticket.settled_at or now) if state in SETTLED_STATES else None
    return msgspec.structs.replace(
        ticket, state=state, updated_at=now, settled_at=settled_at, version=ticket.version + 1
    )
