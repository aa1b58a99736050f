"""S2: the states of a ticket, and the moves between them."""

import datetime as dt
import uuid

import msgspec
import pytest

from services.contracts.support.tickets import Channel, ContactPreference, TicketState
from services.contracts.ticket_requests import Topic
from services.contracts.values import Refusal, refuse
from services.support.domain.ticket import TicketRecord
from services.support.domain.ticket_state import (
    REOPENING_PERIOD,
    SETTLED_STATES,
    STATES_AFTER_ANSWER,
    after_answer,
    after_message,
    closed_by_time,
    moved_by_customer,
    moved_by_staff,
    reopenable_until,
    with_assignee,
)

NOW = dt.datetime(2026, 3, 4, 9, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=1)
NEW, OPEN, CLOSED = TicketState.NEW, TicketState.OPEN, TicketState.CLOSED
WAITING_FOR_CUSTOMER, WAITING_FOR_US = TicketState.WAITING_FOR_CUSTOMER, TicketState.WAITING_FOR_US
SOLVED = TicketState.SOLVED
EMPLOYEE = uuid.UUID(int=9)


def ticket(state: TicketState, settled_at: dt.datetime | None = None) -> TicketRecord:
    return TicketRecord(
        id=uuid.UUID(int=1),
        number="T-2026-000001",
        organisation_id=uuid.UUID(int=2),
        site_id=uuid.UUID(int=3),
        site_number="50",
        user_id=uuid.UUID(int=4),
        topic=Topic.OTHER,
        channel=Channel.PORTAL,
        state=state,
        contact_preference=ContactPreference.NONE,
        opened_at=NOW,
        updated_at=NOW,
        settled_at=settled_at or (NOW if state in SETTLED_STATES else None),
        version=1,
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NEW, NEW),
        (OPEN, WAITING_FOR_US),
        (WAITING_FOR_CUSTOMER, WAITING_FOR_US),
        (WAITING_FOR_US, WAITING_FOR_US),
        (SOLVED, WAITING_FOR_US),
        (CLOSED, WAITING_FOR_US),
    ],
)
def test_after_a_message_customer_service_is_to_answer(before: TicketState, after: TicketState) -> None:
    moved = after_message(ticket(before), LATER)
    assert isinstance(moved, TicketRecord)
    assert (moved.state, moved.updated_at, moved.settled_at, moved.version) == (after, LATER, None, 2)


@pytest.mark.parametrize("state", [SOLVED, CLOSED])
def test_a_settled_ticket_is_reopened_by_customers_for_thirty_days_and_by_staff_at_any_time(state: TicketState) -> None:
    last = NOW + REOPENING_PERIOD
    settled = ticket(state)
    assert reopenable_until(settled) == last
    for move in (after_message, lambda one, now: moved_by_customer(one, WAITING_FOR_US, now)):
        assert isinstance(move(settled, last), TicketRecord)
        late = move(settled, last + dt.timedelta(seconds=1))
        assert late == refuse("TICKET_CLOSED", "ticketId", number="T-2026-000001")
    assert isinstance(moved_by_staff(settled, OPEN, last + dt.timedelta(days=1)), TicketRecord)
    assert reopenable_until(ticket(OPEN)) is None


@pytest.mark.parametrize("before", list(TicketState))
@pytest.mark.parametrize("after", list(TicketState))
def test_an_answer_leaves_a_ticket_in_a_state_of_the_staffs_choice(before: TicketState, after: TicketState) -> None:
    moved = after_answer(ticket(before), after, LATER)
    if after in STATES_AFTER_ANSWER:
        assert isinstance(moved, TicketRecord)
        assert (moved.state, moved.version) == (after, 2)
    else:
        assert isinstance(moved, Refusal)
        assert [problem.code for problem in moved.problems] == ["ILLEGAL_MOVE"]


@pytest.mark.parametrize("before", list(TicketState))
@pytest.mark.parametrize("after", list(TicketState))
def test_customers_solve_what_is_open_and_reopen_what_is_settled(before: TicketState, after: TicketState) -> None:
    allowed = after is (WAITING_FOR_US if before in SETTLED_STATES else SOLVED)
    moved = moved_by_customer(ticket(before), after, LATER)
    assert isinstance(moved, TicketRecord) is allowed
    if isinstance(moved, TicketRecord):
        assert moved.settled_at == (LATER if after is SOLVED else None)


@pytest.mark.parametrize("before", list(TicketState))
@pytest.mark.parametrize("after", list(TicketState))
def test_staff_move_to_any_state_but_new(before: TicketState, after: TicketState) -> None:
    moved = moved_by_staff(ticket(before), after, LATER)
    assert isinstance(moved, TicketRecord) is (after is not NEW)


def test_the_period_of_reopening_begins_once() -> None:
    closed = moved_by_staff(ticket(SOLVED), CLOSED, LATER)
    assert isinstance(closed, TicketRecord)
    assert closed.settled_at == NOW


def test_a_new_ticket_that_somebody_takes_is_open() -> None:
    taken = with_assignee(ticket(NEW), EMPLOYEE, LATER)
    assert (taken.state, taken.assigned_to, taken.updated_at, taken.version) == (OPEN, EMPLOYEE, LATER, 2)
    handed_over = with_assignee(
        msgspec.structs.replace(taken, state=WAITING_FOR_CUSTOMER), None, LATER + REOPENING_PERIOD
    )
    assert (handed_over.state, handed_over.assigned_to, handed_over.updated_at) == (WAITING_FOR_CUSTOMER, None, LATER)
    assert with_assignee(ticket(NEW), None, LATER).state is NEW


def test_a_solved_ticket_is_closed_when_it_cannot_be_reopened_any_more() -> None:
    solved, last = ticket(SOLVED), NOW + REOPENING_PERIOD
    after = last + dt.timedelta(seconds=1)
    assert closed_by_time(solved, last) is None
    closed = closed_by_time(solved, after)
    assert closed is not None
    assert (closed.state, closed.updated_at, closed.settled_at, closed.version) == (CLOSED, after, NOW, 2)
    assert [one for one in TicketState if closed_by_time(ticket(one), after)] == [SOLVED]
