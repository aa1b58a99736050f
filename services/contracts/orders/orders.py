"""Orders, and the commands that place them."""

import datetime as dt
import enum
from typing import Annotated

from services.contracts.orders.articles import Article
from services.contracts.sites import Fraction
from services.contracts.values import (
    AgreementId,
    Filter,
    Id,
    IdempotencyKey,
    Money,
    MutationResult,
    OrganisationId,
    SiteId,
    SortDirection,
    Sorting,
    TextLimit,
    Value,
)


class OrderKind(enum.Enum):
    """The kind of an order. New kinds may come: a client shows an order of an unknown one, too."""

    EXTRA_PICKUP = "EXTRA_PICKUP"
    """A pickup beside the regular ones of an agreement."""


class OrderState(enum.Enum):
    """The state of an order (O8). New states may come: a client shows an unknown one as it shows RECEIVED."""

    RECEIVED = "RECEIVED"
    """The order was placed."""
    NEEDS_REVIEW = "NEEDS_REVIEW"
    """Staff decide about it."""
    CONFIRMED = "CONFIRMED"
    """The order was accepted."""
    SCHEDULED = "SCHEDULED"
    """The pickup is planned on the day of the order."""
    IN_PROGRESS = "IN_PROGRESS"
    """The truck has arrived."""
    COMPLETED = "COMPLETED"
    """The pickup was done; final, unless a later report corrects it."""
    FAILED = "FAILED"
    """The pickup was not possible. It may be completed later."""
    REJECTED = "REJECTED"
    """The order was not accepted; final."""
    CANCELLED = "CANCELLED"
    """The order was withdrawn; final."""


SYSTEM = "system"
"""The one who makes automatic changes."""


class Step(Value, frozen=True, kw_only=True):
    """A change of an order's state."""

    state: OrderState
    """The new state."""
    at: dt.datetime
    """The time of the change."""
    by: str
    """The id of the user or partner who made it, or ``SYSTEM``."""
    reason: str | None
    """The reason; None if none was given."""


class Order(Value, frozen=True, kw_only=True):
    """An order of a customer: of a pickup, or of a change (O8)."""

    id: Id
    """The global id."""
    number: str
    """The number to be read out, such as ORD-2026-000123; unique, with gaps."""
    kind: OrderKind
    """The kind."""
    state: OrderState
    """The current state."""
    organisation_id: Id
    """The id of the organisation."""
    site_id: Id
    """The id of the site."""
    agreement_id: Id | None
    """The id of the agreement; None if the order is about none."""
    article: Article | None
    """The ordered service; None if no article of the operator's says it."""
    fraction: Fraction | None
    """The fraction of the waste; None if the order is about none, or about several."""
    date: dt.date | None
    """The day for which it was ordered; None if the order has no day, or has none yet."""
    price: Money | None
    """The price, excluding VAT; None without the billing permission, and if none was agreed."""
    placed_at: dt.datetime
    """The time at which the order was placed."""
    timeline: list[Step]
    """All states that the order reached, oldest first."""
    version: int
    """The number of its current version; it rises with every change."""


class OrderFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of orders."""

    number: Annotated[str, TextLimit(100)] | None = None
    """The order with this number; None: any."""
    agreement_ids: list[AgreementId] | None = None
    """Orders of one of these agreements; None: of any."""
    site_ids: list[SiteId] | None = None
    """Orders of one of these sites; None: of all."""
    organisation_ids: list[OrganisationId] | None = None
    """Orders of one of these organisations; None: of all."""
    states: list[OrderState] | None = None
    """Orders in one of these states; None: in all."""
    kinds: list[OrderKind] | None = None
    """Orders of one of these kinds; None: of all."""
    since: dt.date | None = None
    """Orders for this day or a later one; None: for any."""
    until: dt.date | None = None
    """Orders for this day or an earlier one; None: for any."""


class OrderOrderField(enum.Enum):
    """The fields that orders can be ordered by."""

    PLACED_AT = "PLACED_AT"
    """By the time at which they were placed."""


class OrderOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of orders."""

    field: OrderOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class OrderExtraPickup(Value, frozen=True, kw_only=True):
    """An order of an extra pickup (O3)."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    agreement_id: AgreementId
    """The id of the agreement."""
    date: dt.date
    """One of the offered days."""


class Ordered(MutationResult, frozen=True, kw_only=True):
    """The order was placed."""

    order: Order
    """The new order."""
