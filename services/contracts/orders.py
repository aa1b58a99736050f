"""Contract of orders: agreements, calendars, orders and pickups (O1 to O18), and partners' events (P1, P4)."""

import datetime as dt
import enum
from typing import Annotated, Protocol

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event, read, write
from services.contracts.imports import Importing
from services.contracts.permission import PEOPLE, Role, SubjectKind, allow
from services.contracts.sites import Fraction
from services.contracts.values import (
    AgreementId,
    Batch,
    Connection,
    Cursor,
    Id,
    IdempotencyKey,
    Money,
    MutationResult,
    OrderId,
    OrganisationId,
    Outcome,
    Page,
    Refusal,
    SiteId,
    TextLimit,
    Value,
)


class OrderKind(enum.Enum):
    """The kind of an order."""

    EXTRA_PICKUP = "EXTRA_PICKUP"


class OrderState(enum.Enum):
    """The state of an order (O8)."""

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
    """The state of a pickup. PLANNED until the truck has arrived; EMPTIED and FAILED are outcomes."""

    PLANNED = "PLANNED"
    ARRIVED = "ARRIVED"
    EMPTIED = "EMPTIED"
    FAILED = "FAILED"


class Article(Value, frozen=True, kw_only=True):
    """A service that can be ordered and invoiced. ``name`` is in the caller's language.
    ``waste_code`` is that of the European List of Waste. ``price`` is for one ``unit``; None without the billing
    permission, or if the article has no price that day.
    """

    id: Id
    article_number: str
    name: str
    fraction: Fraction
    waste_code: str
    unit: str
    price: Money | None


class Agreement(Value, frozen=True, kw_only=True):
    """An agreement on regular pickups at a container (O1): ``count`` bins of ``litres`` each, emptied every
    ``interval_weeks`` weeks. ``ended_on`` is None while the agreement is in force. ``next_pickup`` is the next planned
    day from today on; None if none is planned.
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
    """A day without pickups. ``name`` is in the caller's language."""

    date: dt.date
    name: str


class Pickup(Value, frozen=True, kw_only=True):
    """A pickup under an agreement, planned or done (O2, O12). ``id`` stays the same from the plan to the outcome.
    The truck comes on ``date``, at most ``tolerance_days`` days earlier or later. ``original_date`` and ``moved_by``
    are None unless a holiday moved the date. ``order_id`` is None for a regular pickup. ``done_at`` is the time of the
    outcome; None before it. ``grams`` is the weight of all bins; None if they were not weighed. ``failure`` is the
    reason of FAILED, otherwise None.
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
    """The pickups of a site between two days, both inclusive, in order of date."""

    site_id: Id
    pickups: list[Pickup]


class Offer(Value, frozen=True, kw_only=True):
    """A day for which an extra pickup can be ordered (O3), until ``cut_off``. ``price`` is for the whole pickup;
    None without the billing permission, or if the article has no price that day.
    """

    date: dt.date
    cut_off: dt.datetime
    tolerance_days: int
    price: Money | None


class Offers(Outcome, frozen=True, kw_only=True):
    """The days for which an extra pickup can be ordered now, soonest first. ``citation`` is the rule of the cut-off."""

    agreement_id: Id
    offers: list[Offer]
    citation: str


class Step(Value, frozen=True, kw_only=True):
    """A change of an order's state. ``by`` is the id of the user or partner who made it, or "system".
    ``reason`` is None if none was given.
    """

    state: OrderState
    at: dt.datetime
    by: str
    reason: str | None


class Order(Value, frozen=True, kw_only=True):
    """An order of a pickup (O8). ``date`` is the day of the pickup. ``price`` excludes VAT; None without the billing
    permission. ``timeline`` has all states that the order reached, oldest first.
    """

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
    """An order of an extra pickup (O3). ``date`` is one of the offered days."""

    idempotency_key: IdempotencyKey
    agreement_id: AgreementId
    date: dt.date


class Ordered(MutationResult, frozen=True, kw_only=True):
    """The order was placed."""

    order: Order


class ReportKind(enum.Enum):
    """The kind of a report on a pickup (O17)."""

    ARRIVED = "ARRIVED"
    EMPTIED = "EMPTIED"
    FAILED = "FAILED"


class PickupReport(Value, frozen=True, kw_only=True):
    """A report on a pickup from a driver's or planner's system. ``report_id`` is chosen by the partner: the same
    report again has no further effect. The pickup is identified by ``order_id``, or by ``agreement_id`` and its
    planned ``date``, before or after a holiday moved it; if all are given, they must agree. ``at`` is the time of the
    reported event: the latest outcome is valid, in whichever order reports arrive. ``grams`` (0 to 60,000,000) is
    allowed with EMPTIED only. ``reason`` is required with FAILED and not allowed otherwise.
    """

    report_id: Annotated[str, TextLimit(200)]
    kind: ReportKind
    at: dt.datetime
    order_id: OrderId | None = None
    agreement_id: AgreementId | None = None
    date: dt.date | None = None
    grams: int | None = None
    reason: Annotated[str, TextLimit(600, lines=True)] | None = None


class ReportOutcome(Value, frozen=True, kw_only=True):
    """The result of a report. ``repeated`` is true if the report was known already. ``refusal`` is None if the report
    was accepted.
    """

    report_id: str
    accepted: bool
    repeated: bool
    refusal: Refusal | None


class PickupsReported(MutationResult, frozen=True, kw_only=True):
    """The results of the reports, in their order. An invalid report does not affect the others."""

    outcomes: list[ReportOutcome]


class OrderEvent(Value, frozen=True, kw_only=True):
    """A public event (P1). ``cursor`` is its position: pass it as ``after`` to continue after the event.
    ``sequence`` numbers all events of the service, so that hidden events leave gaps. ``type`` is the CloudEvents type,
    ``subject`` the id of the entity that the event is about, ``data`` the event's JSON.
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
    """A page of events, in order. ``cursor`` is where the next page begins. ``end``: there are no more events yet."""

    events: list[OrderEvent]
    cursor: str
    end: bool


class CursorExpired(Outcome, frozen=True, kw_only=True):
    """The cursor is of another generation or older than the log. ``start`` is the log's first cursor now."""

    code: str = "CURSOR_EXPIRED"
    start: str


@declare_event("orders.order.placed", subject="order_id", public=True)
class OrderPlaced(Event, frozen=True, kw_only=True):
    """An order was placed."""

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
    """An order changed its state from ``before`` to ``state``."""

    order_id: Id
    organisation_id: Id
    site_id: Id
    date: dt.date
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
    agreement_id: Id
    order_id: Id | None
    article_id: Id
    fraction: Fraction
    date: dt.date
    state: PickupState
    done_at: dt.datetime | None
    grams: int | None
    """The weight of all bins."""
    version: int
    """A higher version replaces every lower one."""


@declare_event("orders.pickup.recorded", subject="pickup_id", public=True)
class PickupRecorded(PickupFacts, frozen=True, kw_only=True):
    """New facts of a pickup were recorded; the event has all current ones."""


@declare_event("orders.pickup.stated", subject="pickup_id")
class PickupStated(PickupFacts, frozen=True, kw_only=True):
    """A pickup that was recorded before, published again for services that keep copies."""


@declare_event("orders.pickup.moved", subject="pickup_id", public=True)
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


_READERS = allow(SubjectKind.USER, SubjectKind.STAFF, SubjectKind.PARTNER, scope="orders:read")


class Orders(Importing, Protocol):
    """Operations of orders."""

    @read(_READERS)
    async def agreements_of_sites(self, site_ids: list[SiteId], page: Page) -> list[Connection[Agreement]]:
        """Return the agreements of each site, by agreement number; an empty page for a site the caller may not see.

        A cursor belongs to one site: with ``page.after``, only that site may be requested.
        """
        ...

    @read(_READERS)
    async def agreements_by_id(self, ids: list[AgreementId]) -> list[Agreement | None]:
        """Return the agreements with these ids, in this order; None for one that the caller may not see."""
        ...

    @read(_READERS)
    async def calendars(self, site_ids: list[SiteId], since: dt.date, until: dt.date) -> list[Calendar | Refusal]:
        """Return the calendar of each site between two days, both inclusive and at most 400 days apart.

        Refused with NOT_FOUND, TOO_LONG or MALFORMED.
        """
        ...

    @read(_READERS)
    async def next_pickups(self, site_ids: list[SiteId]) -> list[Pickup | None]:
        """Return the first pickup of each site from today on that has no outcome yet.

        None if none is planned, and for a site that the caller may not see or that orders has no copy of yet.
        """
        ...

    @read(PEOPLE)
    async def extra_pickup_offers(self, agreement_ids: list[AgreementId]) -> list[Offers | Refusal]:
        """Return the days for which an extra pickup can be ordered now, up to eight weeks ahead, for each agreement.

        Refused with NOT_FOUND, NOT_READY_YET.
        """
        ...

    @write(allow(SubjectKind.USER, SubjectKind.STAFF, role=Role.EDITOR))
    async def order_extra_pickup(self, command: OrderExtraPickup) -> Ordered | Refusal:
        """Order an extra pickup on one of the offered days.

        Refused with NOT_FOUND, FORBIDDEN, NOT_ON_ROUTE, IN_THE_PAST, PAST_CUT_OFF, ALREADY_PLANNED,
        IDEMPOTENCY_CONFLICT, NOT_READY_YET.
        """
        ...

    @read(_READERS)
    async def orders(
        self, page: Page, site_id: SiteId | None = None, states: list[OrderState] | None = None
    ) -> Connection[Order]:
        """Return the orders that the caller may see, newest first."""
        ...

    @read(_READERS)
    async def orders_by_id(self, ids: list[OrderId]) -> list[Order | None]:
        """Return the orders with these ids, in this order; None for one that the caller may not see."""
        ...

    @read(_READERS)
    async def open_order_counts(self, site_ids: list[SiteId]) -> list[int]:
        """Count the open orders of each site; 0 for a site that the caller may not see."""
        ...

    @write(allow(SubjectKind.PARTNER, SubjectKind.STAFF, scope="pickups:report"))
    async def report_pickups(self, reports: Annotated[list[PickupReport], Batch()]) -> PickupsReported | Refusal:
        """Record up to 500 reports of drivers' or planners' systems. Partners with ``pickups:report`` only."""
        ...

    @read(allow(SubjectKind.PARTNER, SubjectKind.STAFF, scope="orders:subscribe", services=("gateway",)))
    async def events(
        self,
        after: Cursor | None,
        first: int,
        types: list[Annotated[str, TextLimit(100)]] | None = None,
        organisation_id: OrganisationId | None = None,
    ) -> EventPage | CursorExpired | Refusal:
        """Return a page of the public events that the caller may see now (P4).

        ``after`` is a cursor, START for the whole log, or None for events from now on. ``first`` is 1 to 500. For
        partners with ``orders:subscribe``, staff, and the gateway's feed.
        """
        ...
