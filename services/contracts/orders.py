"""Orders: agreements, calendars, orders, pickups, and the data they follow (O1 to O18); partners' events (P1, P4)."""

import datetime as dt
import enum
from typing import Annotated, Protocol

from services.contracts.declare import Event, declare_event, read, write
from services.contracts.imports import Importing
from services.contracts.sites import Fraction
from services.contracts.values import (
    Batch,
    Connection,
    Cursor,
    Id,
    IdempotencyKey,
    Money,
    Outcome,
    Page,
    Refusal,
    TextLimit,
    Value,
)


class OrderKind(enum.Enum):
    """What was asked for."""

    EXTRA_PICKUP = "EXTRA_PICKUP"


class OrderState(enum.Enum):
    """Where an order stands (O8)."""

    RECEIVED = "RECEIVED"
    NEEDS_REVIEW = "NEEDS_REVIEW"
    CONFIRMED = "CONFIRMED"
    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class PickupState(enum.Enum):
    """What became of a pickup. PLANNED until the truck is there; EMPTIED and FAILED are outcomes."""

    PLANNED = "PLANNED"
    ARRIVED = "ARRIVED"
    EMPTIED = "EMPTIED"
    FAILED = "FAILED"


class Article(Value, frozen=True, kw_only=True):
    """What can be ordered or is invoiced; ``name`` in the caller's language, ``waste_code`` of the List of Waste.

    ``price`` is for one ``unit``; None for a caller without the billing permission.
    """

    id: Id
    article_number: str
    name: str
    fraction: Fraction
    waste_code: str
    unit: str
    price: Money | None


class Agreement(Value, frozen=True, kw_only=True):
    """The standing service on a container (O1). ``litres`` of one bin, ``count`` bins, every ``interval_weeks``.

    ``next_pickup`` is the next planned day from today on; None where none is planned.
    """

    id: Id
    agreement_number: str
    organisation_id: Id
    site_id: Id
    container_number: str
    article: Article
    fraction: Fraction
    litres: int
    count: int
    interval_weeks: int
    ordered_on: dt.date
    ended_on: dt.date | None
    next_pickup: dt.date | None
    version: int


class Holiday(Value, frozen=True, kw_only=True):
    """A day on which no truck runs, and its name in the caller's language."""

    date: dt.date
    name: str


class Pickup(Value, frozen=True, kw_only=True):
    """One emptying, planned or done (O2, O12).

    ``id`` is the same before and after the truck came. The truck comes on ``date``, give or take ``tolerance_days``;
    ``original_date`` and ``moved_by`` are set if a holiday moved it. ``order_id`` is set for an ordered one.
    ``grams`` is what was weighed, ``done_at`` when the outcome was reached.
    """

    id: Id
    site_id: Id
    agreement_id: Id
    order_id: Id | None
    article: Article
    date: dt.date
    tolerance_days: int
    original_date: dt.date | None
    moved_by: Holiday | None
    state: PickupState
    done_at: dt.datetime | None
    grams: int | None
    failure: str | None


class Calendar(Outcome, frozen=True, kw_only=True):
    """A site's pickups between two days, both inclusive, by date."""

    site_id: Id
    pickups: list[Pickup]


class Offer(Value, frozen=True, kw_only=True):
    """A day on which a route passes (O3). It can be ordered until ``cut_off``. ``price`` is for the whole pickup."""

    date: dt.date
    cut_off: dt.datetime
    tolerance_days: int
    price: Money | None


class Offers(Outcome, frozen=True, kw_only=True):
    """The days that can be ordered now, soonest first; ``citation`` is the rule that set the cut-off."""

    agreement_id: Id
    offers: list[Offer]
    citation: str


class Step(Value, frozen=True, kw_only=True):
    """One line of an order's timeline: the state it reached, when, by whom, and why if a reason was given."""

    state: OrderState
    at: dt.datetime
    by: str
    reason: str | None


class Order(Value, frozen=True, kw_only=True):
    """What someone asked for, and how far it got (O8)."""

    id: Id
    kind: OrderKind
    state: OrderState
    organisation_id: Id
    site_id: Id
    agreement_id: Id
    article: Article
    date: dt.date
    price: Money | None
    placed_at: dt.datetime
    timeline: list[Step]
    version: int


class OrderExtraPickup(Value, frozen=True, kw_only=True):
    """A pickup between the regular ones (O3), on an offered day."""

    idempotency_key: IdempotencyKey
    agreement_id: Id
    date: dt.date


class Ordered(Outcome, frozen=True, kw_only=True):
    """The order was taken."""

    order: Order


class ReportKind(enum.Enum):
    """What a driver's system reports (O17)."""

    ARRIVED = "ARRIVED"
    EMPTIED = "EMPTIED"
    FAILED = "FAILED"


class PickupReport(Value, frozen=True, kw_only=True):
    """What happened at a pickup, from a driver's or planner's system.

    ``report_id`` is the partner's own, and makes repeats harmless. The pickup is named by the order that it fulfils,
    or by agreement and planned date (before or after a holiday moved it); what is named beside the order must be the
    order's own. ``at`` is when it happened: the latest outcome counts, in whatever order reports come. ``grams`` may
    go with EMPTIED (0 to 60,000,000), ``reason`` goes with FAILED.
    """

    report_id: Annotated[str, TextLimit(200)]
    kind: ReportKind
    at: dt.datetime
    order_id: Id | None = None
    agreement_id: Id | None = None
    date: dt.date | None = None
    grams: int | None = None
    reason: Annotated[str, TextLimit(600, lines=True)] | None = None


class ReportOutcome(Value, frozen=True, kw_only=True):
    """What became of one report. ``refusal`` says why it was not taken; ``repeated`` that it was known."""

    report_id: str
    accepted: bool
    repeated: bool
    refusal: Refusal | None


class PickupsReported(Outcome, frozen=True, kw_only=True):
    """The outcome of each report, in their order; one bad report keeps no other back."""

    outcomes: list[ReportOutcome]


class OrderEvent(Value, frozen=True, kw_only=True):
    """An event as partners and the graph see it (P1).

    ``cursor`` is where a subscriber goes on; ``sequence`` counts without gaps over all events of the service, shown or
    not. ``data`` is the event's JSON as its schema says.
    """

    id: str
    cursor: str
    sequence: int
    type: str
    time: dt.datetime
    subject: Id
    organisation_id: Id | None
    data: str


class EventPage(Outcome, frozen=True, kw_only=True):
    """Events behind a cursor, in order. ``cursor`` is where the next page begins; ``end`` that it was the last yet."""

    events: list[OrderEvent]
    cursor: str
    end: bool


class CursorExpired(Outcome, frozen=True, kw_only=True):
    """The cursor is of another generation or older than the log. ``start`` is the log's first cursor now."""

    code: str = "CURSOR_EXPIRED"
    start: str


@declare_event("orders.order.placed", subject="order_id", public=True)
class OrderPlaced(Event, frozen=True, kw_only=True):
    """An order was taken."""

    order_id: Id
    organisation_id: Id
    site_id: Id
    agreement_id: Id
    article_id: Id
    fraction: Fraction
    kind: OrderKind
    date: dt.date
    state: OrderState
    version: int


@declare_event("orders.order.moved", subject="order_id", public=True)
class OrderMoved(Event, frozen=True, kw_only=True):
    """An order went from one state to the next."""

    order_id: Id
    organisation_id: Id
    site_id: Id
    date: dt.date
    before: OrderState
    state: OrderState
    version: int


class PickupFacts(Event, frozen=True, kw_only=True):
    """What is known of a pickup now; a higher ``version`` replaces every lower one. ``grams`` of all its bins.

    Whose it was and what was emptied is as it was when the pickup was recorded, whatever its agreement says later.
    """

    pickup_id: Id
    organisation_id: Id
    site_id: Id
    agreement_id: Id
    order_id: Id | None
    article_id: Id
    fraction: Fraction
    date: dt.date
    state: PickupState
    done_at: dt.datetime | None
    grams: int | None
    version: int


@declare_event("orders.pickup.recorded", subject="pickup_id", public=True)
class PickupRecorded(PickupFacts, frozen=True, kw_only=True):
    """Something became known of a pickup, and this is all that is known now."""


@declare_event("orders.pickup.stated", subject="pickup_id")
class PickupStated(PickupFacts, frozen=True, kw_only=True):
    """A pickup that was recorded before, stated again for those who keep copies."""


class Orders(Importing, Protocol):
    """What orders offers."""

    @read
    async def agreements_of_sites(self, site_ids: list[Id], page: Page) -> list[Connection[Agreement]]:
        """The agreements of each site, by agreement number; an empty page for a site the caller may not see.

        A cursor is of one site's agreements, and asks for no others.
        """
        ...

    @read
    async def agreements_by_id(self, ids: list[Id]) -> list[Agreement | None]:
        """The agreements with these ids, in their order; None for one that the caller may not see."""
        ...

    @read
    async def calendars(self, site_ids: list[Id], since: dt.date, until: dt.date) -> list[Calendar | Refusal]:
        """The calendar of each site; both days inclusive and at most 400 days apart.

        Refused with NOT_FOUND, TOO_LONG or MALFORMED.
        """
        ...

    @read
    async def next_pickups(self, site_ids: list[Id]) -> list[Pickup | None]:
        """The first pickup of each site from today on that is not done yet.

        None where none is planned, and for a site the caller may not see or that is still on its way.
        """
        ...

    @read
    async def extra_pickup_offers(self, agreement_ids: list[Id]) -> list[Offers | Refusal]:
        """The days on which an extra pickup can be ordered now, for each agreement, up to eight weeks ahead.

        Refused with NOT_FOUND, NOT_READY_YET.
        """
        ...

    @write
    async def order_extra_pickup(self, command: OrderExtraPickup) -> Ordered | Refusal:
        """Order a pickup on an offered day.

        Refused with NOT_FOUND, FORBIDDEN, NOT_ON_ROUTE, IN_THE_PAST, PAST_CUT_OFF, ALREADY_PLANNED,
        IDEMPOTENCY_CONFLICT, NOT_READY_YET.
        """
        ...

    @read
    async def orders(
        self, page: Page, site_id: Id | None = None, states: list[OrderState] | None = None
    ) -> Connection[Order]:
        """The caller's orders, newest first."""
        ...

    @read
    async def orders_by_id(self, ids: list[Id]) -> list[Order | None]:
        """The orders with these ids, in their order; None for one that the caller may not see."""
        ...

    @read
    async def open_order_counts(self, site_ids: list[Id]) -> list[int]:
        """How many orders of each site are not done yet; 0 for a site the caller may not see."""
        ...

    @write
    async def report_pickups(self, reports: Annotated[list[PickupReport], Batch()]) -> PickupsReported | Refusal:
        """Take in what drivers' systems report, up to 500 at once. Partners with ``pickups:report``."""
        ...

    @read
    async def events(
        self,
        after: Cursor | None,
        first: int,
        types: list[Annotated[str, TextLimit(100)]] | None = None,
        organisation_id: Id | None = None,
    ) -> EventPage | CursorExpired | Refusal:
        """Public events behind a cursor (P4), of what the caller may see now. ``after``: a cursor, START, or None: now.

        ``first`` is 1 to 500. Partners with ``orders:subscribe``, staff, and the gateway for its own feed.
        """
        ...
