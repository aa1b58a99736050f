"""Operations of orders."""

import datetime as dt
from typing import Annotated, Protocol

from services.contracts.declare import read, write
from services.contracts.imports import Importing
from services.contracts.orders.agreements import Agreement, AgreementFilter, AgreementOrder, Offers
from services.contracts.orders.articles import Article
from services.contracts.orders.event_log import EVENTS_PER_PAGE, CursorExpired, EventPage, OrderEventFilter
from services.contracts.orders.orders import Order, Ordered, OrderExtraPickup, OrderFilter, OrderOrder
from services.contracts.orders.pickups import Calendar, Pickup
from services.contracts.orders.reports import REPORT_COUNT, PickupReport, PickupsReported
from services.contracts.orders.summaries import OrderSummary, PickupSummary
from services.contracts.permission import PEOPLE, Role, SubjectKind, allow
from services.contracts.values import (
    AgreementId,
    ArticleId,
    Batch,
    Connection,
    Cursor,
    Id,
    OrderId,
    Page,
    PickupId,
    Refusal,
    SiteId,
)

_SUPPORT = allow(services=("support",))
_READERS = allow(SubjectKind.USER, SubjectKind.STAFF, SubjectKind.PARTNER, scope="orders:read")


class Orders(Importing, Protocol):
    """Operations of orders."""

    @read(_READERS)
    async def agreements_of_sites(
        self,
        site_ids: list[SiteId],
        page: Page,
        filter: AgreementFilter | None = None,
        order: AgreementOrder | None = None,
    ) -> list[Connection[Agreement]]:
        """Return the agreements of each site, by agreement number; an empty page for a site the caller may not see.

        A cursor belongs to one site, and so does a token: with ``page.after`` or ``page.updated_after``, only that site
        may be requested.
        """
        ...

    @read(_READERS)
    async def agreements_by_id(self, ids: list[AgreementId]) -> list[Agreement | None]:
        """Return the agreements with these ids, in this order; None for one that the caller may not see."""
        ...

    @read(_READERS)
    async def articles_by_id(self, ids: list[ArticleId]) -> list[Article | None]:
        """Return the articles with these ids, in this order, with today's prices; None for one that does not exist.

        Every customer can order from the same articles: a caller who may see prices of one organisation sees these.
        """
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

    @read(_READERS)
    async def pickups_by_id(self, ids: list[PickupId]) -> list[Pickup | None]:
        """Return the pickups with these ids, planned or done, in this order, as their site's calendar shows them.

        None for one that does not exist, that the caller may not see, or whose site orders has no copy of yet.
        """
        ...

    @read(_READERS)
    async def pickups_of_orders(self, order_ids: list[OrderId]) -> list[list[Pickup]]:
        """Return the pickups of each order, by their running number; none for an order that the caller may not see."""
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
        self, page: Page, filter: OrderFilter | None = None, order: OrderOrder | None = None
    ) -> Connection[Order]:
        """Return the orders that the caller may see; the latest placed ones first without an ``order``."""
        ...

    @read(_READERS)
    async def orders_by_id(self, ids: list[OrderId]) -> list[Order | None]:
        """Return the orders with these ids, in this order; None for one that the caller may not see."""
        ...

    @read(_READERS)
    async def open_order_counts(self, site_ids: list[SiteId]) -> list[int]:
        """Count the open orders of each site; 0 for a site that the caller may not see."""
        ...

    @read(_SUPPORT)
    async def order_summaries(self, ids: list[Id]) -> list[OrderSummary | None]:
        """Return the orders with these ids, in this order; None for one that does not exist."""
        ...

    @read(_SUPPORT)
    async def pickup_summaries(self, ids: list[Id]) -> list[PickupSummary | None]:
        """Return the pickups with these ids, planned or recorded, in this order; None for one that does not exist."""
        ...

    @read(_SUPPORT)
    async def sites_of_things(self, ids: list[Id]) -> list[Id | None]:
        """Return the site of each agreement, order or pickup, in this order; None for one that does not exist."""
        ...

    @write(allow(SubjectKind.PARTNER, SubjectKind.STAFF, scope="pickups:report"))
    async def report_pickups(
        self, reports: Annotated[list[PickupReport], Batch(), REPORT_COUNT]
    ) -> PickupsReported | Refusal:
        """Record reports of drivers' or planners' systems. Partners with ``pickups:report`` only."""
        ...

    @read(
        allow(
            SubjectKind.USER,
            SubjectKind.STAFF,
            SubjectKind.PARTNER,
            scope="orders:subscribe",
            services=("gateway",),
        )
    )
    async def events(
        self,
        after: Cursor | None,
        first: Annotated[int, EVENTS_PER_PAGE],
        filter: OrderEventFilter | None = None,
    ) -> EventPage | CursorExpired | Refusal:
        """Return a page of the public events that the caller may see now (P4).

        ``after`` is a cursor, START for the whole log, or None for events from now on. Events about a site are shown
        to those who reach the site. Refused with NOT_FOUND for an organisation of which the caller reaches nothing.
        """
        ...
