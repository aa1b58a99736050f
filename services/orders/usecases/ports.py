"""What the use cases need of the store."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from services.access.caller import Caller
from services.access.decision import EffectivePermissions
from services.chassis.events.transaction_port import TransactionPort
from services.orders.domain.agreement import AgreementRecord, ContainerCopy, SiteCopy
from services.orders.domain.calendar import Schedule
from services.orders.domain.holidays import Country, HolidayRecord, Holidays
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, RecordedPickup, Report
from services.orders.domain.price import ArticlePrice
from services.orders.domain.routes import Route
from services.orders.domain.rules import Rule


class OrdersStore(TransactionPort, Protocol):
    """A transaction on orders' own data."""

    async def effective_permissions(
        self, caller: Caller, organisation_id: uuid.UUID, site_id: uuid.UUID
    ) -> EffectivePermissions | None:
        """What the caller may do on a site; None if it is out of reach."""
        ...

    async def acquire_lock(self, name: str) -> None:
        """Wait until no other transaction that takes turns under this name is under way."""
        ...

    # The copies of sites

    async def upsert_site(self, site: SiteCopy) -> None:
        """Take a site into the copy, unless the copy is as new already."""
        ...

    async def upsert_container(self, container: ContainerCopy) -> None:
        """Take a container into the copy, unless the copy is as new already; its site at least as a placeholder."""
        ...

    async def sites_by_number(self, numbers: Collection[str]) -> dict[str, SiteCopy]: ...

    async def containers_by_number(self, numbers: Collection[str]) -> dict[str, ContainerCopy]: ...

    # What the trade follows

    async def articles_by_number(self, numbers: Collection[str]) -> dict[tuple[str, dt.date], ArticlePrice]:
        """Every row of these articles, by number and first day."""
        ...

    async def article_ids(self, numbers: Collection[str]) -> dict[str, uuid.UUID]: ...

    async def articles(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[ArticlePrice]]:
        """Every row of these articles, by id."""
        ...

    async def save_articles(self, rows: Sequence[ArticlePrice]) -> None: ...

    async def routes_by_number(self, numbers: Collection[str]) -> dict[str, Route]: ...

    async def save_routes(self, routes: Sequence[Route]) -> None: ...

    async def holidays_by_date(self, dates: Collection[dt.date]) -> dict[tuple[Country, dt.date], HolidayRecord]: ...

    async def holidays(self) -> Holidays:
        """The holidays that the operator keeps."""
        ...

    async def save_holidays(self, holidays: Sequence[HolidayRecord]) -> None: ...

    async def rules_by_number(self, numbers: Collection[str]) -> dict[str, Rule]: ...

    async def save_rules(self, rules: Sequence[Rule]) -> None: ...

    # Agreements. Their lock is that of their pickups and orders, too.

    async def agreement(self, agreement_id: uuid.UUID) -> AgreementRecord | None:
        """An agreement, not locked."""
        ...

    async def agreements_for_change(self, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, AgreementRecord]:
        """These agreements, locked."""
        ...

    async def agreements_by_number(self, numbers: Collection[str]) -> dict[str, AgreementRecord]:
        """The agreements with these numbers, locked."""
        ...

    async def visible_agreements(self, caller: Caller, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, AgreementRecord]:
        """Those of these agreements that the caller reaches, locked."""
        ...

    async def save_agreements(self, agreements: Sequence[AgreementRecord]) -> None: ...

    async def schedule(self, agreement: AgreementRecord, since: dt.date, until: dt.date) -> Schedule:
        """What decides about an agreement's pickups between two days."""
        ...

    # Orders and pickups of locked agreements

    async def agreement_ids_of_orders(self, order_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
        """The id of the agreement that each of these orders is about."""
        ...

    async def orders_of_agreements(
        self, agreement_ids: Iterable[uuid.UUID], dates: Collection[dt.date], order_ids: Collection[uuid.UUID]
    ) -> dict[uuid.UUID, OrderRecord]:
        """The agreements' orders on these days or with these ids; withdrawn ones are left out."""
        ...

    async def save_orders(self, orders: Sequence[OrderRecord]) -> None: ...

    async def pickups(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, PickupRecord]:
        """What was recorded of these pickups."""
        ...

    async def pickups_after(self, after: uuid.UUID, limit: int) -> Sequence[RecordedPickup]:
        """The pickups with the next ids, of which something was recorded, locked against change."""
        ...

    async def save_pickups(self, pickups: Sequence[RecordedPickup]) -> None: ...

    async def reports_by_id(self, reporter: str, report_ids: Collection[str]) -> dict[str, Report]:
        """A reporter's reports with these ids."""
        ...

    async def reports_of_pickups(self, pickup_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Sequence[Report]]:
        """Every report of these pickups."""
        ...

    async def save_reports(self, reports: Sequence[Report]) -> None: ...
