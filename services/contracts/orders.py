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
    Length,
    Money,
    MutationResult,
    OrderId,
    OrganisationId,
    Outcome,
    Page,
    Range,
    Refusal,
    SiteId,
    TextLimit,
    Value,
)

REPORT_COUNT = Length(0, 500)
REASON_LENGTH = Length(1, 500)
GRAMS = Range(0, 60_000_000)
EVENTS_PER_PAGE = Range(1, 500)


class OrderKind(enum.Enum):
    """The kind of an order."""

    EXTRA_PICKUP = "EXTRA_PICKUP"
    """A pickup beside the regular ones of an agreement."""


class OrderState(enum.Enum):
    """The state of an order (O8)."""

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


class PickupState(enum.Enum):
    """The state of a pickup."""

    PLANNED = "PLANNED"
    """The truck has not arrived yet."""
    ARRIVED = "ARRIVED"
    """The truck has arrived."""
    EMPTIED = "EMPTIED"
    """The bins were emptied: an outcome."""
    FAILED = "FAILED"
    """The bins could not be emptied: an outcome."""


class Article(Value, frozen=True, kw_only=True):
    """A service that can be ordered and invoiced."""

    id: Id
    """The global id."""
    article_number: str
    """The number in the operator's ERP."""
    name: str
    """The name, in the caller's language."""
    fraction: Fraction
    """The fraction of the waste."""
    waste_code: str
    """The code of the European List of Waste."""
    unit: str
    """The unit that ``price`` is for."""
    price: Money | None
    """The price of one unit; None without the billing permission, or if the article has no price that day."""


class Agreement(Value, frozen=True, kw_only=True):
    """An agreement on regular pickups at a container (O1)."""

    id: Id
    """The global id."""
    agreement_number: str
    """The number in the operator's ERP."""
    organisation_id: Id
    """The id of the organisation."""
    site_id: Id
    """The id of the site."""
    container_number: str
    """The number of the container in the operator's ERP."""
    article: Article
    """The agreed service."""
    fraction: Fraction
    """The fraction that is collected."""
    litres: int
    """The volume of one bin, in litres."""
    count: int
    """The number of bins."""
    interval_weeks: int
    """The weeks from one regular pickup to the next."""
    ordered_on: dt.date
    """The day on which the agreement was made."""
    ended_on: dt.date | None
    """The day on which the agreement ended; None while it is in force."""
    next_pickup: dt.date | None
    """The next planned day from today on; None if none is planned."""
    version: int
    """The number of its current version; it rises with every change."""


class Holiday(Value, frozen=True, kw_only=True):
    """A day without pickups."""

    date: dt.date
    """The day."""
    name: str
    """The name, in the caller's language."""


class Pickup(Value, frozen=True, kw_only=True):
    """A pickup under an agreement, planned or done (O2, O12)."""

    id: Id
    """The global id. It stays the same from the plan to the outcome."""
    site_id: Id
    """The id of the site."""
    agreement_id: Id
    """The id of the agreement."""
    order_id: Id | None
    """The id of the order; None for a regular pickup."""
    article: Article
    """The service."""
    date: dt.date
    """The day on which the truck comes."""
    tolerance_days: int
    """The days that the truck may come earlier or later than ``date``."""
    original_date: dt.date | None
    """The day of the rhythm; None unless a holiday moved the pickup."""
    moved_by: Holiday | None
    """The holiday that moved the pickup; None unless one did."""
    state: PickupState
    """The state."""
    done_at: dt.datetime | None
    """The time of the outcome; None before it."""
    grams: int | None
    """The weight of all bins, in grams; None if they were not weighed."""
    failure: str | None
    """The reason of FAILED; otherwise None."""


class Calendar(Outcome, frozen=True, kw_only=True):
    """The pickups of a site between two days, both inclusive."""

    site_id: Id
    """The id of the site."""
    pickups: list[Pickup]
    """The pickups, in order of date."""


class Offer(Value, frozen=True, kw_only=True):
    """A day for which an extra pickup can be ordered (O3)."""

    date: dt.date
    """The day on which the truck comes."""
    cut_off: dt.datetime
    """The last moment at which it can be ordered."""
    tolerance_days: int
    """The days that the truck may come earlier or later than ``date``."""
    price: Money | None
    """The price of the whole pickup; None without the billing permission, or if the article has no price that day."""


class Offers(Outcome, frozen=True, kw_only=True):
    """The days for which an extra pickup can be ordered now."""

    agreement_id: Id
    """The id of the agreement."""
    offers: list[Offer]
    """The days, soonest first."""
    citation: str
    """The rule of the cut-off, as the operator states it."""


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
    """An order of a pickup (O8)."""

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
    agreement_id: Id
    """The id of the agreement."""
    article: Article
    """The ordered service."""
    date: dt.date
    """The day of the pickup."""
    price: Money | None
    """The price, excluding VAT; None without the billing permission."""
    placed_at: dt.datetime
    """The time at which the order was placed."""
    timeline: list[Step]
    """All states that the order reached, oldest first."""
    version: int
    """The number of its current version; it rises with every change."""


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


class ReportKind(enum.Enum):
    """The kind of a report on a pickup (O17)."""

    ARRIVED = "ARRIVED"
    """The truck has arrived."""
    EMPTIED = "EMPTIED"
    """The bins were emptied."""
    FAILED = "FAILED"
    """The bins could not be emptied."""


class PickupReport(Value, frozen=True, kw_only=True):
    """A report on a pickup from a driver's or planner's system.

    The pickup is identified by ``order_id``, or by ``agreement_id`` and ``date``; if all are given, they must agree.
    """

    report_id: Annotated[str, TextLimit(200, verbatim=True)]
    """An id that the partner chooses: the same report again has no further effect."""
    kind: ReportKind
    """The kind of the reported event."""
    at: dt.datetime
    """The time of the reported event: the latest outcome is valid, in whichever order reports arrive."""
    order_id: OrderId | None = None
    """The id of the order; None if the pickup is identified by its agreement."""
    agreement_id: AgreementId | None = None
    """The id of the agreement; None if the pickup is identified by its order."""
    date: dt.date | None = None
    """The planned day of the agreement's pickup, before or after a holiday moved it; None if the pickup is identified
    by its order."""
    grams: Annotated[int, GRAMS] | None = None
    """The weight of all bins, in grams. Allowed with EMPTIED only; None if they were not weighed."""
    reason: Annotated[str, TextLimit(600, lines=True), REASON_LENGTH] | None = None
    """The reason, required with FAILED and not allowed otherwise."""


class ReportOutcome(Value, frozen=True, kw_only=True):
    """The result of a report."""

    report_id: str
    """The id of the report, as the partner chose it."""
    accepted: bool
    """Whether the report was accepted, now or before."""
    repeated: bool
    """Whether the report was known already."""
    refusal: Refusal | None
    """The reasons why it was refused; None if it was accepted."""


class PickupsReported(MutationResult, frozen=True, kw_only=True):
    """The results of reports. An invalid report does not affect the others."""

    outcomes: list[ReportOutcome]
    """The results, in the order of the reports."""


class OrderEvent(Value, frozen=True, kw_only=True):
    """A public event (P1)."""

    id: str
    """The global id."""
    cursor: str
    """The event's position: pass it as ``after`` to continue after the event."""
    sequence: int
    """The number among all events of the service: hidden events leave gaps."""
    type: str
    """The CloudEvents type, for example ``orders.order.placed``."""
    time: dt.datetime
    """The time of the event."""
    subject: Id
    """The id of the entity that the event is about."""
    organisation_id: Id | None
    """The id of the organisation; None if the event concerns none."""
    data: str
    """The event's data, as JSON text."""


class EventPage(Outcome, frozen=True, kw_only=True):
    """A page of events."""

    events: list[OrderEvent]
    """The events, in order."""
    cursor: str
    """The position at which the next page begins: pass it as ``after``."""
    end: bool
    """Whether there are no more events yet."""


class CursorExpired(Outcome, frozen=True, kw_only=True):
    """The cursor is of another generation or older than the log."""

    code: str = "CURSOR_EXPIRED"
    """Always CURSOR_EXPIRED."""
    start: str
    """The log's first cursor now."""


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

        Refused with NOT_FOUND, TOO_LONG or NOT_READY_YET. Days in the wrong order are malformed.
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
    async def report_pickups(
        self, reports: Annotated[list[PickupReport], Batch(), REPORT_COUNT]
    ) -> PickupsReported | Refusal:
        """Record reports of drivers' or planners' systems. Partners with ``pickups:report`` only."""
        ...

    @read(allow(SubjectKind.PARTNER, SubjectKind.STAFF, scope="orders:subscribe", services=("gateway",)))
    async def events(
        self,
        after: Cursor | None,
        first: Annotated[int, EVENTS_PER_PAGE],
        types: list[Annotated[str, TextLimit(100)]] | None = None,
        organisation_id: OrganisationId | None = None,
    ) -> EventPage | CursorExpired | Refusal:
        """Return a page of the public events that the caller may see now (P4).

        ``after`` is a cursor, START for the whole log, or None for events from now on. For
        partners with ``orders:subscribe``, staff, and the gateway's feed.
        """
        ...
