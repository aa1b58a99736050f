"""An order's life: which state may follow which, and the timeline of every step (O8)."""

import datetime as dt
import uuid
from collections.abc import Mapping

import msgspec

from services.contracts.orders import OrderKind, OrderState, Step
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
"""Every legal move onwards. A failed pickup may still be made good; nothing follows a final state."""

CORRECTIONS: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.COMPLETED: frozenset({OrderState.FAILED}),
    OrderState.FAILED: frozenset({OrderState.FAILED}),
}
"""Every legal move back: a later report says that the pickup failed after all, or for another reason."""

FINAL_STATES = frozenset(state for state, following in TRANSITIONS.items() if not following)
WITHDRAWN_STATES = frozenset({OrderState.REJECTED, OrderState.CANCELLED})
"""States in which no truck will come."""
OPEN_STATES = frozenset(TRANSITIONS) - FINAL_STATES - {OrderState.FAILED}
"""States of an order that is not done yet."""

SYSTEM = "system"
"""Who makes a step that follows by itself."""


class IllegalTransition(ValueError):
    """A state can't follow another: a mistake of the program, not of the caller."""


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is kept. ``version`` is 1 when it is placed and rises with every step."""

    id: uuid.UUID
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


def place(
    order_id: uuid.UUID,
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
    """A new order, RECEIVED."""
    return OrderRecord(
        id=order_id,
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
    """Whether the order may go to ``state`` now."""
    return state in TRANSITIONS[order.state] or state in CORRECTIONS.get(order.state, ())


def follow_pickup(
    order: OrderRecord, state: OrderState, *, at: dt.datetime, by: str, reason: str | None
) -> OrderRecord:
    """The order as its pickup has it; the same as before where it says so already, or may not go there."""
    if (order.state, order.timeline[-1].reason) == (state, reason) or not can_transition(order, state):
        return order
    return transition(order, state, at=at, by=by, reason=reason)


def transition(
    order: OrderRecord, state: OrderState, *, at: dt.datetime, by: str, reason: str | None = None
) -> OrderRecord:
    """The order in its next state, with one step more; IllegalMove if it may not go there."""
    if not can_transition(order, state):
        raise IllegalTransition(f"{order.state.value} can't become {state.value}")
    step = Step(state=state, at=at, by=by, reason=reason)
    return msgspec.structs.replace(order, state=state, timeline=(*order.timeline, step), version=order.version + 1)
