"""O8: an order makes legal transitions only, and its timeline has each."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.orders.orders import SYSTEM, OrderKind, OrderState, Step
from services.contracts.sites import Fraction
from services.orders.domain.order import (
    CORRECTIONS,
    FINAL_STATES,
    OPEN_STATES,
    TRANSITIONS,
    IllegalTransition,
    OrderRecord,
    can_transition,
    order_number,
    place,
    transition,
)
from tests.unit.orders.factories import NOBODY

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)


def received() -> OrderRecord:
    return place(
        NOBODY,
        order_number(2026, 7),
        kind=OrderKind.EXTRA_PICKUP,
        organisation_id=NOBODY,
        site_id=NOBODY,
        agreement_id=NOBODY,
        article_id=NOBODY,
        fraction=Fraction.RESIDUAL,
        date=dt.date(2026, 3, 12),
        price=None,
        at=NOW,
        by="user_1",
    )


def test_a_new_order_is_received_with_its_actor() -> None:
    order = received()
    assert (order.number, order.state, order.version) == ("ORD-2026-000007", OrderState.RECEIVED, 1)
    assert order.timeline == (Step(state=OrderState.RECEIVED, at=NOW, by="user_1", reason=None),)


def test_every_step_is_on_the_timeline_with_actor_and_reason() -> None:
    order = transition(received(), OrderState.REJECTED, at=NOW, by="user_2", reason="Ei kuljetusta")
    assert (order.state, order.version) == (OrderState.REJECTED, 2)
    assert order.timeline[-1] == Step(state=OrderState.REJECTED, at=NOW, by="user_2", reason="Ei kuljetusta")


def test_a_failed_order_may_be_completed() -> None:
    order = received()
    for state in (OrderState.CONFIRMED, OrderState.SCHEDULED, OrderState.FAILED, OrderState.COMPLETED):
        order = transition(order, state, at=NOW, by=SYSTEM)
    assert order.version == 5


def test_final_and_open_states() -> None:
    assert {state.value for state in FINAL_STATES} == {"COMPLETED", "REJECTED", "CANCELLED"}
    assert {state.value for state in OPEN_STATES} == {
        "RECEIVED",
        "NEEDS_REVIEW",
        "CONFIRMED",
        "SCHEDULED",
        "IN_PROGRESS",
    }
    assert set(TRANSITIONS) == set(OrderState)


@given(st.lists(st.sampled_from(list(OrderState)), max_size=12))
def test_only_legal_transitions_are_made(states: list[OrderState]) -> None:
    order = received()
    for state in states:
        before = order
        if can_transition(order, state):
            order = transition(order, state, at=NOW, by=SYSTEM)
        else:
            with pytest.raises(IllegalTransition):
                transition(order, state, at=NOW, by=SYSTEM)
        assert order is before or order.version == before.version + 1
    assert len(order.timeline) == order.version
    for before_step, after_step in zip(order.timeline, order.timeline[1:], strict=False):
        assert after_step.state in TRANSITIONS[before_step.state] | CORRECTIONS.get(before_step.state, frozenset())
