"""A transaction on orders' own data: what the use cases' port asks for, in SQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence

from services.access import decision
from services.access.caller import Caller
from services.access.decision import EffectivePermissions, visible
from services.chassis.events.transaction import Transaction
from services.orders.domain.agreement import AgreementRecord, ContainerCopy, SiteCopy
from services.orders.domain.calendar import Schedule
from services.orders.domain.holidays import Country, HolidayRecord, Holidays
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, RecordedPickup, Report
from services.orders.domain.price import ArticlePrice
from services.orders.domain.routes import Route
from services.orders.domain.rules import Rule
from services.orders.store import agreements, orders, pickups, reference_data, sites
from services.orders.store.schedules import fetch_schedules

_ADVISORY_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_VISIBLE_AGREEMENTS = f"{visible('s.organisation_id', 's.id')} AND a.id = ANY ($3)"


class OrdersTransaction(Transaction):
    """Implements ``usecases.ports.OrdersStore``."""

    async def effective_permissions(
        self, caller: Caller, organisation_id: uuid.UUID, site_id: uuid.UUID
    ) -> EffectivePermissions | None:
        return await decision.effective_permissions(self.connection, caller, self.today, organisation_id, site_id)

    async def acquire_lock(self, name: str) -> None:
        await self.connection.execute(_ADVISORY_LOCK, name)

    async def upsert_site(self, site: SiteCopy) -> None:
        await sites.upsert_site(self.connection, site)

    async def upsert_container(self, container: ContainerCopy) -> None:
        await sites.upsert_container(self.connection, container)

    async def sites_by_number(self, numbers: Collection[str]) -> dict[str, SiteCopy]:
        return await sites.sites_by_number(self.connection, numbers)

    async def containers_by_number(self, numbers: Collection[str]) -> dict[str, ContainerCopy]:
        return await sites.containers_by_number(self.connection, numbers)

    async def articles_by_number(self, numbers: Collection[str]) -> dict[tuple[str, dt.date], ArticlePrice]:
        return await reference_data.articles_by_number(self.connection, numbers)

    async def article_ids(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        return await reference_data.article_ids(self.connection, numbers)

    async def articles(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[ArticlePrice]]:
        return await reference_data.articles(self.connection, ids)

    async def save_articles(self, rows: Sequence[ArticlePrice]) -> None:
        await reference_data.save_articles(self.connection, rows)

    async def routes_by_number(self, numbers: Collection[str]) -> dict[str, Route]:
        return await reference_data.routes(self.connection, numbers)

    async def save_routes(self, routes: Sequence[Route]) -> None:
        await reference_data.save_routes(self.connection, routes)

    async def holidays_by_date(self, dates: Collection[dt.date]) -> dict[tuple[Country, dt.date], HolidayRecord]:
        return await reference_data.holidays_by_date(self.connection, dates)

    async def holidays(self) -> Holidays:
        return await reference_data.holidays(self.connection, self.clock.zone.key)

    async def save_holidays(self, holidays: Sequence[HolidayRecord]) -> None:
        await reference_data.save_holidays(self.connection, holidays)

    async def rules_by_number(self, numbers: Collection[str]) -> dict[str, Rule]:
        return await reference_data.rules_by_number(self.connection, numbers)

    async def save_rules(self, rules: Sequence[Rule]) -> None:
        await reference_data.save_rules(self.connection, rules)

    async def agreement(self, agreement_id: uuid.UUID) -> AgreementRecord | None:
        return (await agreements.find_agreements(self.connection, "a.id = $1", agreement_id)).get(agreement_id)

    async def agreements_for_change(self, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, AgreementRecord]:
        return await agreements.find_agreements(self.connection, "a.id = ANY ($1)", list(ids), lock=True)

    async def agreements_by_number(self, numbers: Collection[str]) -> dict[str, AgreementRecord]:
        found = await agreements.find_agreements(
            self.connection, "a.agreement_number = ANY ($1)", list(numbers), lock=True
        )
        return {agreement.facts.agreement_number: agreement for agreement in found.values()}

    async def visible_agreements(self, caller: Caller, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, AgreementRecord]:
        return await agreements.find_agreements(
            self.connection, _VISIBLE_AGREEMENTS, caller.subject_id, self.today, list(ids), lock=True
        )

    async def save_agreements(self, records: Sequence[AgreementRecord]) -> None:
        await agreements.save_agreements(self.connection, records)

    async def schedule(self, agreement: AgreementRecord, since: dt.date, until: dt.date) -> Schedule:
        found = await fetch_schedules(self.connection, self.clock.zone.key, [agreement], since, until)
        return found[agreement.id]

    async def agreement_ids_of_orders(self, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
        return await orders.agreement_ids_of_orders(self.connection, order_ids)

    async def orders_of_agreements(
        self, agreement_ids: Iterable[uuid.UUID], dates: Collection[dt.date], order_ids: Collection[uuid.UUID]
    ) -> dict[uuid.UUID, OrderRecord]:
        return await orders.orders_of_agreements(self.connection, agreement_ids, dates, order_ids)

    async def save_orders(self, records: Sequence[OrderRecord]) -> None:
        await orders.save_orders(self.connection, records)

    async def pickups(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, PickupRecord]:
        return await pickups.pickups_by_id(self.connection, ids)

    async def pickups_after(self, after: uuid.UUID, limit: int) -> list[RecordedPickup]:
        return await pickups.pickups_after(self.connection, after, limit)

    async def save_pickups(self, records: Sequence[RecordedPickup]) -> None:
        await pickups.save_pickups(self.connection, records)

    async def reports_by_id(self, reporter: str, report_ids: Collection[str]) -> dict[str, Report]:
        return await pickups.reports_by_id(self.connection, reporter, report_ids)

    async def reports_of_pickups(self, pickup_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Sequence[Report]]:
        return await pickups.reports_of_pickups(self.connection, pickup_ids)

    async def save_reports(self, reports: Sequence[Report]) -> None:
        await pickups.save_reports(self.connection, reports)
