"""Events that orders publishes."""

import datetime as dt

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event
from services.contracts.orders.orders import OrderKind, OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.sites import Fraction
from services.contracts.values import (
    Id,
)


@declare_event("orders.order.placed", subject="order_id", site="site_id", public=True)
class OrderPlaced(Event, frozen=True, kw_only=True):
    """An order was placed."""

    order_id: Id
    organisation_id: Id
    site_id: Id
    agreement_id: Id | None
    """None if the order is about none."""
    article_id: Id | None
    """None if no article of the operator's says what was ordered."""
    fraction: Fraction | None
    """None if the order is about none, or about several."""
    kind: OrderKind
    date: dt.date | None
    """None if the order has no day, or has none yet."""
    state: OrderState
    version: int


@declare_event("orders.order.moved", subject="order_id", site="site_id", public=True)
class OrderMoved(Event, frozen=True, kw_only=True):
    """An order changed its state from ``before`` to ``state``."""

    order_id: Id
    organisation_id: Id
    site_id: Id
    date: dt.date | None
    """None if the order has no day, or has none yet."""
    before: OrderState
    state: OrderState
    version: int


class PickupFacts(Event, frozen=True, kw_only=True):
    """The current facts of a pickup.

    Organisation, site, article and fraction are those of the agreement when the pickup was recorded, even if the
    agreement changes later.
    """

    pickup_id: Id
    organisation_id: Id
    site_id: Id
    agreement_id: Id | None
    """None if the pickup is of an order alone."""
    order_id: Id | None
    """None for a regular pickup."""
    article_id: Id | None
    """None if no article of the operator's says what is collected."""
    fraction: Fraction | None
    """None if it is not known, or of several."""
    date: dt.date | None
    """None before a day is planned."""
    state: PickupState
    done_at: dt.datetime | None
    grams: int | None
    """The weight of all bins."""
    version: int
    """A higher version replaces every lower one."""


@declare_event("orders.pickup.recorded", subject="pickup_id", site="site_id", public=True)
class PickupRecorded(PickupFacts, frozen=True, kw_only=True):
    """New facts of a pickup were recorded; the event has all current ones."""


@declare_event("orders.pickup.stated", subject="pickup_id")
class PickupStated(PickupFacts, frozen=True, kw_only=True):
    """A pickup that was recorded before, published again for services that keep copies."""


@declare_event("orders.pickup.moved", subject="pickup_id", site="site_id", public=True)
class PickupMoved(Event, frozen=True, kw_only=True):
    """A regular pickup was moved by a holiday, or back to its own day."""

    pickup_id: Id
    organisation_id: Id
    site_id: Id
    agreement_id: Id
    planned_on: dt.date
    """The day of the agreement's rhythm."""
    date: dt.date
    """The day on which the truck comes."""


@declare_event("orders.audit.recorded", subject="subject_id")
class OrdersAuditRecorded(AuditRecorded, frozen=True, kw_only=True):
    """An entry was added to orders' audit log."""
