"""A transaction on orders' own data: what the use cases' port asks for, in SQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence

from services.access import decision
from services.access.caller import Caller
from services.access.decision import Grant, visible
from services.chassis.transaction import Transaction
from services.orders.domain.agreement import AgreementRecord, Container, Site
from services.orders.domain.calendar import Schedule
from services.orders.domain.holidays import Country, Holiday, Holidays
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, RecordedPickup, Report
from services.orders.domain.price import Article
from services.orders.domain.routes import Route
from services.orders.domain.rules import Rule
from services.orders.store import agreements, orders, pickups, sites, trade
from services.orders.store.schedules import schedules

_TAKE_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_REACHED = f"{visible('s.organisation_id', 's.id')} AND a.id = ANY ($3)"


class OrdersTransaction(Transaction):
    """Implements ``usecases.ports.OrdersStore``."""

    async def grant(self, caller: Caller, organisation_id: uuid.UUID, site_id: uuid.UUID) -> Grant | None:
        return await decision.grant(self.connection, caller, self.today, organisation_id, site_id)

    async def take_turns(self, name: str) -> None:
        await self.connection.execute(_TAKE_TURNS, name)

    async def keep_site(self, site: Site) -> None:
        await sites.keep_site(self.connection, site)

    async def keep_container(self, container: Container) -> None:
        await sites.keep_container(self.connection, container)

    async def sites_by_number(self, numbers: Collection[str]) -> dict[str, Site]:
        return await sites.sites_by_number(self.connection, numbers)

    async def containers_by_number(self, numbers: Collection[str]) -> dict[str, Container]:
        return await sites.containers_by_number(self.connection, numbers)

    async def articles_by_number(self, numbers: Collection[str]) -> dict[tuple[str, dt.date], Article]:
        return await trade.articles_by_number(self.connection, numbers)

    async def article_ids(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        return await trade.article_ids(self.connection, numbers)

    async def articles(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Article]]:
        return await trade.articles(self.connection, ids)

    async def save_articles(self, rows: Sequence[Article]) -> None:
        await trade.save_articles(self.connection, rows)

    async def routes_by_number(self, numbers: Collection[str]) -> dict[str, Route]:
        return await trade.routes(self.connection, numbers)

    async def save_routes(self, routes: Sequence[Route]) -> None:
        await trade.save_routes(self.connection, routes)

    async def holidays_by_date(self, dates: Collection[dt.date]) -> dict[tuple[Country, dt.date], Holiday]:
        return await trade.holidays_by_date(self.connection, dates)

    async def holidays(self) -> Holidays:
        return await trade.holidays(self.connection, self.clock.zone.key)

    async def save_holidays(self, holidays: Sequence[Holiday]) -> None:
        await trade.save_holidays(self.connection, holidays)

    async def rules_by_number(self, numbers: Collection[str]) -> dict[str, Rule]:
        return await trade.rules_by_number(self.connection, numbers)

    async def save_rules(self, rules: Sequence[Rule]) -> None:
        await trade.save_rules(self.connection, rules)

    async def agreement(self, agreement_id: uuid.UUID) -> AgreementRecord | None:
        return (await agreements.find(self.connection, "a.id = $1", agreement_id)).get(agreement_id)

    async def agreements_for_change(self, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, AgreementRecord]:
        return await agreements.find(self.connection, "a.id = ANY ($1)", list(ids), lock=True)

    async def agreements_by_number(self, numbers: Collection[str]) -> dict[str, AgreementRecord]:
        found = await agreements.find(self.connection, "a.agreement_number = ANY ($1)", list(numbers), lock=True)
        return {agreement.facts.agreement_number: agreement for agreement in found.values()}

    async def agreements_reached(self, caller: Caller, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, AgreementRecord]:
        return await agreements.find(self.connection, _REACHED, caller.subject_id, self.today, list(ids), lock=True)

    async def save_agreements(self, records: Sequence[AgreementRecord]) -> None:
        await agreements.save(self.connection, records)

    async def schedule(self, agreement: AgreementRecord, since: dt.date, until: dt.date) -> Schedule:
        found = await schedules(self.connection, self.clock.zone.key, [agreement], since, until)
        return found[agreement.id]

    async def agreements_of_orders(self, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
        return await orders.agreements_of(self.connection, order_ids)

    async def orders_of(
        self, agreement_ids: Iterable[uuid.UUID], dates: Collection[dt.date], order_ids: Collection[uuid.UUID]
    ) -> dict[uuid.UUID, OrderRecord]:
        return await orders.of_agreements(self.connection, agreement_ids, dates, order_ids)

    async def save_orders(self, records: Sequence[OrderRecord]) -> None:
        await orders.save(self.connection, records)

    async def pickups(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, PickupRecord]:
        return await pickups.by_id(self.connection, ids)

    async def pickups_after(self, after: uuid.UUID, limit: int) -> list[RecordedPickup]:
        return await pickups.following(self.connection, after, limit)

    async def save_pickups(self, records: Sequence[RecordedPickup]) -> None:
        await pickups.save(self.connection, records)

    async def reports_by_id(self, reporter: str, report_ids: Collection[str]) -> dict[str, Report]:
        return await pickups.reports_by_id(self.connection, reporter, report_ids)

    async def reports_of(self, pickup_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Sequence[Report]]:
        return await pickups.reports_of(self.connection, pickup_ids)

    async def save_reports(self, reports: Sequence[Report]) -> None:
        await pickups.save_reports(self.connection, reports)
