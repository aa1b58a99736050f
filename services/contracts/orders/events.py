"""Events that orders publishes."""

import datetime as dt

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event
from services.contracts.imports import ImportFinished
from services.contracts.orders.orders import OrderKind, OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.sites import Fraction
from services.contracts.ticket_requests import TicketRequested, TicketRequestWithdrawn
from services.contracts.values import (
    Id,
)


@declare_event("orders.order.placed", subject="order_id", site="site_id", public=True)
class OrderPlaced(Event, frozen=True, kw_only=True):
    """An order was placed."""

    order_id: Id
    """The id of the order."""
    organisation_id: Id
    """The id of the organisation."""
    site_id: Id
    """The id of the site."""
    agreement_id: Id | None
    """The id of the agreement; None if the order is about none."""
    article_id: Id | None
    """The id of the article; None if no article of the operator's says what was ordered."""
    fraction: Fraction | None
    """The fraction; None if the order is about none, or about several."""
    kind: OrderKind
    """The kind of the order."""
    date: dt.date | None
    """The day of the order; None if it has none, or none yet."""
    state: OrderState
    """The state of the order now."""
    version: int
    """The version of the order: a higher one replaces every lower one."""


@declare_event("orders.order.moved", subject="order_id", site="site_id", public=True)
class OrderMoved(Event, frozen=True, kw_only=True):
    """An order changed its state from ``before`` to ``state``."""

    order_id: Id
    """The id of the order."""
    organisation_id: Id
    """The id of the organisation."""
    site_id: Id
    """The id of the site."""
    date: dt.date | None
    """The day of the order; None if it has none, or none yet."""
    before: OrderState
    """The state before."""
    state: OrderState
    """The state of the order now."""
    version: int
    """The version of the order: a higher one replaces every lower one."""


class PickupFacts(Event, frozen=True, kw_only=True):
    """The current facts of a pickup.

    Organisation, site, article and fraction are those of the agreement when the pickup was recorded, even if the
    agreement changes later.
    """

    pickup_id: Id
    """The id of the pickup."""
    organisation_id: Id
    """The id of the organisation."""
    site_id: Id
    """The id of the site."""
    agreement_id: Id | None
    """The id of the agreement; None if the pickup is of an order alone."""
    order_id: Id | None
    """The id of the order of an extra pickup; None for a regular pickup."""
    article_id: Id | None
    """The id of the article; None if no article of the operator's says what is collected."""
    fraction: Fraction | None
    """The fraction; None if it is not known, or of several."""
    date: dt.date | None
    """The day of the pickup; None before a day is planned."""
    state: PickupState
    """The state of the pickup now."""
    done_at: dt.datetime | None
    """The time at which the pickup was done, or failed; None if it was neither."""
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
    """The id of the pickup."""
    organisation_id: Id
    """The id of the organisation."""
    site_id: Id
    """The id of the site."""
    agreement_id: Id
    """The id of the agreement."""
    planned_on: dt.date
    """The day of the agreement's rhythm."""
    date: dt.date
    """The day on which the truck comes."""


@declare_event("orders.import.finished", subject="import_id")
class OrdersImportFinished(ImportFinished, frozen=True, kw_only=True):
    """An import of orders has reached its final state."""


@declare_event("orders.ticket.requested", subject="subject_id", site="site_id")
class OrdersTicketRequested(TicketRequested, frozen=True, kw_only=True):
    """Orders asks for a ticket."""


@declare_event("orders.ticket.withdrawn", subject="subject_id")
class OrdersTicketRequestWithdrawn(TicketRequestWithdrawn, frozen=True, kw_only=True):
    """Orders does not need a ticket any more."""


@declare_event("orders.audit.recorded", subject="subject_id")
class OrdersAuditRecorded(AuditRecorded, frozen=True, kw_only=True):
    """An entry was added to orders' audit log."""
