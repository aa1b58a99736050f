"""A stub of orders, with an event log."""

import datetime as dt
import uuid

import msgspec

from gateway.subscriptions.subscriber import matches
from services.chassis.events.event_log import START, Cursor
from services.chassis.problems import MalformedInput
from services.contracts.orders.agreements import Agreement, AgreementFilter, AgreementOrder, Offer, Offers
from services.contracts.orders.articles import Article
from services.contracts.orders.event_log import CursorExpired, EventPage, OrderEvent, OrderEventFilter
from services.contracts.orders.orders import Order, Ordered, OrderExtraPickup, OrderFilter, OrderOrder
from services.contracts.orders.pickups import Calendar, Pickup
from services.contracts.orders.reports import PickupReport, PickupsReported, ReportOutcome
from services.contracts.orders.summaries import OrderSummary, PickupSummary
from services.contracts.values import Connection, Id, Page, Refusal, refuse
from tests.gateway.stubs.imports import ImportStub
from tests.gateway.stubs.samples import ARTICLE, NOW, agreement, number_of, page_of, pickup
from tests.gateway.stubs.samples import order as sample_order


class OrdersStub(ImportStub):
    """The operations of orders, with an event log in memory."""

    service = "orders"

    def __init__(self) -> None:
        self.generation = uuid.uuid4()
        self.log: list[OrderEvent] = []
        self.last = 0
        self.away = False

    async def agreements_of_sites(
        self,
        site_ids: list[str],
        page: Page,
        filter: AgreementFilter | None = None,
        order: AgreementOrder | None = None,
    ) -> list[Connection[Agreement]]:
        return [page_of([agreement(number_of(one))], page) for one in site_ids]

    async def agreements_by_id(self, ids: list[str]) -> list[Agreement | None]:
        return [agreement(number_of(one)) for one in ids]

    async def articles_by_id(self, ids: list[str]) -> list[Article | None]:
        return [ARTICLE if one == ARTICLE.id else None for one in ids]

    async def calendars(self, site_ids: list[str], since: dt.date, until: dt.date) -> list[Calendar | Refusal]:
        if until < since:
            raise MalformedInput("until", reason="EARLIEST", earliest=since.isoformat())
        return [refuse("NOT_FOUND") if number_of(one) > 1 else Calendar(site_id=one, pickups=[]) for one in site_ids]

    async def next_pickups(self, site_ids: list[str]) -> list[Pickup | None]:
        return [pickup(number_of(one)) for one in site_ids]

    async def pickups_by_id(self, ids: list[str]) -> list[Pickup | None]:
        return [pickup(number_of(one)) for one in ids]

    async def pickups_of_orders(self, order_ids: list[str]) -> list[list[Pickup]]:
        """Return a pickup of each order, which has no agreement."""
        return [
            [msgspec.structs.replace(pickup(number_of(one)), order_id=one, agreement_id=None, article=None)]
            for one in order_ids
        ]

    async def extra_pickup_offers(self, agreement_ids: list[str]) -> list[Offers | Refusal]:
        offer = Offer(date=dt.date(2026, 3, 10), cut_off=NOW, tolerance_days=1, price=ARTICLE.price)
        return [Offers(agreement_id=one, offers=[offer], citation="rule 1") for one in agreement_ids]

    async def open_order_counts(self, site_ids: list[str]) -> list[int]:
        return [2 for _ in site_ids]

    async def orders(
        self, page: Page, filter: OrderFilter | None = None, order: OrderOrder | None = None
    ) -> Connection[Order]:
        return page_of([sample_order(number) for number in range(1, 4)], page)

    async def orders_by_id(self, ids: list[str]) -> list[Order | None]:
        return [sample_order(number_of(one)) for one in ids]

    async def order_extra_pickup(self, command: OrderExtraPickup) -> Ordered | Refusal:
        if command.date < dt.date(2026, 3, 4):
            return refuse("IN_THE_PAST", "date")
        return Ordered(order=sample_order(1))

    async def order_summaries(self, ids: list[Id]) -> list[OrderSummary | None]:
        raise AssertionError("the gateway has no use for it")

    async def sites_of_things(self, ids: list[Id]) -> list[Id | None]:
        raise AssertionError("the gateway has no use for it")

    async def pickup_summaries(self, ids: list[Id]) -> list[PickupSummary | None]:
        raise AssertionError("the gateway has no use for it")

    async def report_pickups(self, reports: list[PickupReport]) -> PickupsReported | Refusal:
        outcomes = [
            ReportOutcome(
                report_id=report.report_id,
                accepted=report.grams == 38_500,
                repeated=False,
                refusal=refuse("NOT_PLANNED", "reports", str(number), "date", date="2026-03-10")
                if report.report_id == "unplanned"
                else None,
            )
            for number, report in enumerate(reports)
        ]
        return PickupsReported(outcomes=outcomes)

    async def events(
        self, after: str | None, first: int, filter: OrderEventFilter | None = None
    ) -> EventPage | CursorExpired | Refusal:
        if first < 1:
            raise ValueError("first")
        start = Cursor(self.generation, 0)
        cursor = {None: Cursor(self.generation, self.last), START: start}.get(after) or Cursor.parse(after or "")
        if cursor is None or cursor.generation != self.generation:
            return CursorExpired(start=str(start))
        behind = [event for event in self.log if event.sequence > cursor.sequence]
        shown = [event for event in behind if matches(filter or OrderEventFilter(), event)][:first]
        end = len(shown) < first
        place = self.last if end else shown[-1].sequence
        return EventPage(events=shown, cursor=str(Cursor(self.generation, place)), end=end)
