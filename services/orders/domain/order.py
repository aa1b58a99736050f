"""The state machine of an order, with a timeline of its steps (O8)."""

import datetime as dt
import uuid
from collections.abc import Mapping

import msgspec

from services.contracts.orders.orders import OrderKind, OrderState, Step
from services.contracts.sites import Fraction
from services.contracts.values import Money

TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.RECEIVED: frozenset(
        {OrderState.CONFIRMED, OrderState.NEEDS_REVIEW, OrderState.REJECTED, OrderState.CANCELLED}
    ),
    OrderState.NEEDS_REVIEW: frozenset({OrderState.CONFIRMED, OrderState.REJECTED, OrderState.CANCELLED}),
    OrderState.CONFIRMED: frozenset({OrderState.SCHEDULED, OrderState.CANCELLED}),
    OrderState.SCHEDULED: frozenset(
        {OrderState.IN_PROGRESS, OrderState.COMPLETED, OrderState.FAILED, OrderState.CANCELLED}
    ),
    OrderState.IN_PROGRESS: frozenset({OrderState.COMPLETED, OrderState.FAILED}),
    OrderState.FAILED: frozenset({OrderState.COMPLETED}),
    OrderState.COMPLETED: frozenset(),
    OrderState.REJECTED: frozenset(),
    OrderState.CANCELLED: frozenset(),
}
"""The legal transitions. A failed pickup may be completed later; no transition follows a final state."""

CORRECTIONS: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.COMPLETED: frozenset({OrderState.FAILED}),
    OrderState.FAILED: frozenset({OrderState.FAILED}),
}
"""The legal transitions back: a later report says that the pickup failed, or for another reason."""

FINAL_STATES = frozenset(state for state, following in TRANSITIONS.items() if not following)
WITHDRAWN_STATES = frozenset({OrderState.REJECTED, OrderState.CANCELLED})
"""States of an order without a pickup."""
OPEN_STATES = frozenset(TRANSITIONS) - FINAL_STATES - {OrderState.FAILED}
"""States of an order that is not done yet."""


class IllegalTransition(ValueError):
    """A transition that is not legal: an error of the program, not of the caller."""


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is stored. ``version`` is 1 when it is placed and rises with every step."""

    id: uuid.UUID
    number: str
    kind: OrderKind
    state: OrderState
    organisation_id: uuid.UUID
    site_id: uuid.UUID
    agreement_id: uuid.UUID
    article_id: uuid.UUID
    fraction: Fraction
    date: dt.date
    price: Money | None
    placed_at: dt.datetime
    timeline: tuple[Step, ...]
    version: int


def order_number(year: int, count: int) -> str:
    """Return the number of an order of a year, to be read out. No two orders have the same ``count``."""
    return f"ORD-{year}-{count:06}"


def place(
    order_id: uuid.UUID,
    number: str,
    *,
    kind: OrderKind,
    organisation_id: uuid.UUID,
    site_id: uuid.UUID,
    agreement_id: uuid.UUID,
    article_id: uuid.UUID,
    fraction: Fraction,
    date: dt.date,
    price: Money | None,
    at: dt.datetime,
    by: str,
) -> OrderRecord:
    """Return a new order, RECEIVED."""
    return OrderRecord(
        id=order_id,
        number=number,
        kind=kind,
        state=OrderState.RECEIVED,
        organisation_id=organisation_id,
        site_id=site_id,
        agreement_id=agreement_id,
        article_id=article_id,
        fraction=fraction,
        date=date,
        price=price,
        placed_at=at,
        timeline=(Step(state=OrderState.RECEIVED, at=at, by=by, reason=None),),
        version=1,
    )


def can_transition(order: OrderRecord, state: OrderState) -> bool:
    """Return whether the transition to ``state`` is legal now."""
    return state in TRANSITIONS[order.state] or state in CORRECTIONS.get(order.state, ())


def follow_pickup(
    order: OrderRecord, state: OrderState, *, at: dt.datetime, by: str, reason: str | None
) -> OrderRecord:
    """Return the order in its pickup's state; unchanged if it has that state, or the transition is not legal."""
    if (order.state, order.timeline[-1].reason) == (state, reason) or not can_transition(order, state):
        return order
    return transition(order, state, at=at, by=by, reason=reason)


def transition(
    order: OrderRecord, state: OrderState, *, at: dt.datetime, by: str, reason: str | None = None
) -> OrderRecord:
    """Return the order in its next state, with a step more. Raise IllegalTransition if it is not legal."""
    if not can_transition(order, state):
        raise IllegalTransition(f"{order.state.value} can't become {state.value}")
    step = Step(state=state, at=at, by=by, reason=reason)
    return msgspec.structs.replace(order, state=state, timeline=(*order.timeline, step), version=order.version + 1)
