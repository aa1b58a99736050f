"""The blueprint of orders."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.access.copy import ACCESS_COPY
from services.chassis.events.copies.announcement import Announcement
from services.chassis.events.copies.rebuild import Copy
from services.chassis.imports.export_files import ImportKind
from services.chassis.imports.record_changes import leads_of
from services.contracts.orders.events import PickupStated
from services.contracts.orders.operations import Orders
from services.contracts.sites import ContainerStated, SiteStated
from services.hosting.blueprint import Blueprint, ServiceRuntime
from services.orders.domain.agreement import AgreementFacts
from services.orders.domain.holidays import HolidayRecord
from services.orders.domain.price import ArticlePrice
from services.orders.domain.routes import Route
from services.orders.domain.rules import Rule
from services.orders.http.api import OrdersApi
from services.orders.messaging.handlers import HANDLERS
from services.orders.store.owners import OWNERS
from services.orders.store.sensitive import SENSITIVE
from services.orders.store.transaction import OrdersTransaction
from services.orders.usecases.announce_pickups import announce_pickups
from services.orders.usecases.import_agreements import AgreementRow, import_agreements
from services.orders.usecases.import_articles import import_articles
from services.orders.usecases.import_holidays import import_holidays
from services.orders.usecases.import_pickups import PickupRow, import_pickups
from services.orders.usecases.import_routes import import_routes
from services.orders.usecases.import_rules import import_rules
from services.orders.usecases.move_pickups import MOVED_PICKUPS, emit_moved_pickups


def _imports(runtime: ServiceRuntime[OrdersTransaction]) -> Sequence[ImportKind[OrdersTransaction, Any]]:
    of_agreements = functools.partial(import_agreements, leads=leads_of(runtime.settings, "agreements", AgreementFacts))
    return [
        ImportKind("articles", ArticlePrice, ("article_number", "valid_from"), import_articles),
        ImportKind("routes", Route, ("route_number",), import_routes),
        ImportKind("holidays", HolidayRecord, ("date", "country"), import_holidays),
        ImportKind("rules", Rule, ("rule_number",), import_rules),
        ImportKind("agreements", AgreementRow, ("agreement_number",), of_agreements),
        ImportKind("pickups", PickupRow, ("pickup_number",), import_pickups),
    ]


ORDERS: Blueprint[OrdersTransaction, Orders] = Blueprint(
    name="orders",
    contract=Orders,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=OrdersTransaction,
    bind=lambda runtime: lambda caller: OrdersApi(runtime, caller),
    owners=OWNERS,
    subscribes_to=["identity", "sites"],
    handlers=lambda runtime: HANDLERS,
    partners_topic=True,
    sensitive=SENSITIVE,
    versioned=["agreements", "orders", "pickups"],
    has_files=True,
    imports=_imports,
    fan_outs={MOVED_PICKUPS: emit_moved_pickups},
    announcements=[Announcement(entity="pickup", event=PickupStated, table="pickups", emit_page=announce_pickups)],
    copies=[ACCESS_COPY, Copy(SiteStated, "sites"), Copy(ContainerStated, "containers")],
)
