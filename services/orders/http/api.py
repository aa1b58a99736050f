"""The operations of orders, for one caller: each calls its query or use case."""

import datetime as dt
from collections.abc import Sequence

from services.access.caller import Caller
from services.contracts.orders.agreements import Agreement, AgreementFilter, AgreementOrder, Offers
from services.contracts.orders.articles import Article
from services.contracts.orders.event_log import CursorExpired, EventPage, OrderEventFilter
from services.contracts.orders.orders import Order, Ordered, OrderExtraPickup, OrderFilter, OrderOrder
from services.contracts.orders.pickups import Calendar, Pickup
from services.contracts.orders.reports import PickupReport, PickupsReported
from services.contracts.orders.summaries import OrderSummary, PickupSummary
from services.contracts.values import Connection, Id, Page, Refusal
from services.hosting.blueprint import ServiceRuntime
from services.hosting.imports_api import ImportsApi
from services.orders.queries import agreements, articles, calendars, events, orders, pickups
from services.orders.store.transaction import OrdersTransaction
from services.orders.usecases.order_extra_pickup import order_extra_pickup
from services.orders.usecases.report_pickups import report_pickups


class OrdersApi(ImportsApi):
    """``services.contracts.orders.operations.Orders`` for one caller."""

    def __init__(self, runtime: ServiceRuntime[OrdersTransaction], caller: Caller) -> None:
        super().__init__(runtime.imports, caller)
        self._runtime = runtime

    async def agreements_of_sites(
        self,
        site_ids: list[Id],
        page: Page,
        filter: AgreementFilter | None = None,
        order: AgreementOrder | None = None,
    ) -> list[Connection[Agreement]]:
        day, zone = self._runtime.clock.today(), self._runtime.clock.zone.key
        async with self._runtime.pool.acquire() as connection:
            return await agreements.agreements_of_sites(
                connection, self._caller, day, zone, site_ids, page, filter, order
            )

    async def agreements_by_id(self, ids: list[Id]) -> list[Agreement | None]:
        day, zone = self._runtime.clock.today(), self._runtime.clock.zone.key
        async with self._runtime.pool.acquire() as connection:
            return await agreements.agreements_by_id(connection, self._caller, day, zone, ids)

    async def articles_by_id(self, ids: list[Id]) -> list[Article | None]:
        async with self._runtime.pool.acquire() as connection:
            return await articles.articles_by_id(connection, self._caller, self._runtime.clock.today(), ids)

    async def calendars(self, site_ids: list[Id], since: dt.date, until: dt.date) -> list[Calendar | Refusal]:
        async with self._runtime.pool.acquire() as connection:
            return await calendars.calendars(connection, self._caller, self._runtime.clock, site_ids, since, until)

    async def next_pickups(self, site_ids: list[Id]) -> list[Pickup | None]:
        async with self._runtime.pool.acquire() as connection:
            return await calendars.next_pickups(connection, self._caller, self._runtime.clock, site_ids)

    async def pickups_by_id(self, ids: list[Id]) -> list[Pickup | None]:
        async with self._runtime.pool.acquire() as connection:
            return await pickups.pickups_by_id(connection, self._caller, self._runtime.clock, ids)

    async def pickups_of_orders(self, order_ids: list[Id]) -> list[list[Pickup]]:
        async with self._runtime.pool.acquire() as connection:
            return await pickups.pickups_of_orders(connection, self._caller, self._runtime.clock, order_ids)

    async def extra_pickup_offers(self, agreement_ids: list[Id]) -> list[Offers | Refusal]:
        async with self._runtime.pool.acquire() as connection:
            return await calendars.extra_pickup_offers(connection, self._caller, self._runtime.clock, agreement_ids)

    async def order_extra_pickup(self, command: OrderExtraPickup) -> Ordered | Refusal:
        async with self._runtime.work() as tx:

            async def read_again(ids: Sequence[Id]) -> Ordered | None:
                (order,) = await orders.orders_by_id(tx.connection, self._caller, tx.today, ids)
                return Ordered(order=order) if order else None

            return await order_extra_pickup(tx, self._caller, command, read_again)

    async def orders(
        self, page: Page, filter: OrderFilter | None = None, order: OrderOrder | None = None
    ) -> Connection[Order]:
        day = self._runtime.clock.today()
        async with self._runtime.pool.acquire() as connection:
            return await orders.orders(connection, self._caller, day, page, filter, order)

    async def orders_by_id(self, ids: list[Id]) -> list[Order | None]:
        async with self._runtime.pool.acquire() as connection:
            return await orders.orders_by_id(connection, self._caller, self._runtime.clock.today(), ids)

    async def open_order_counts(self, site_ids: list[Id]) -> list[int]:
        async with self._runtime.pool.acquire() as connection:
            return await orders.open_order_counts(connection, self._caller, self._runtime.clock.today(), site_ids)

    async def order_summaries(self, ids: list[Id]) -> list[OrderSummary | None]:
        async with self._runtime.pool.acquire() as connection:
            return await orders.order_summaries(connection, ids)

    async def sites_of_things(self, ids: list[Id]) -> list[Id | None]:
        async with self._runtime.pool.acquire() as connection:
            return await pickups.sites_of_things(connection, self._runtime.clock, ids)

    async def pickup_summaries(self, ids: list[Id]) -> list[PickupSummary | None]:
        async with self._runtime.pool.acquire() as connection:
            return await pickups.pickup_summaries(connection, self._runtime.clock, ids)

    async def report_pickups(self, reports: list[PickupReport]) -> PickupsReported | Refusal:
        async with self._runtime.work() as tx:
            return await report_pickups(tx, self._caller, reports)

    async def events(
        self, after: str | None, first: int, filter: OrderEventFilter | None = None
    ) -> EventPage | CursorExpired | Refusal:
        day = self._runtime.clock.today()
        async with self._runtime.pool.acquire() as connection:
            return await events.events(connection, self._caller, day, after, first, filter or OrderEventFilter())
