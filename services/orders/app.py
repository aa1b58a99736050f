"""Orders, put together: reads like a table of contents."""

from pathlib import Path

from services.access.assembly import Blueprint
from services.access.copy import ACCESS
from services.chassis.announcing import Announcement
from services.chassis.export_files import Kind
from services.chassis.rebuilding import Copy
from services.contracts.orders import Orders, PickupStated
from services.contracts.sites import ContainerStated, SiteStated
from services.orders.domain.holidays import Holiday
from services.orders.domain.price import Article
from services.orders.domain.routes import Route
from services.orders.domain.rules import Rule
from services.orders.http.offering import Offering
from services.orders.messaging.handlers import HANDLERS
from services.orders.store.transaction import OrdersTransaction
from services.orders.usecases.announce_pickups import announce_pickups
from services.orders.usecases.import_agreements import AgreementRow, import_agreements
from services.orders.usecases.import_articles import import_articles
from services.orders.usecases.import_holidays import import_holidays
from services.orders.usecases.import_pickups import PickupRow, import_pickups
from services.orders.usecases.import_routes import import_routes
from services.orders.usecases.import_rules import import_rules

ORDERS: Blueprint[OrdersTransaction, Orders] = Blueprint(
    name="orders",
    contract=Orders,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=OrdersTransaction,
    bind=lambda base: lambda caller: Offering(base, caller),
    listens=["identity", "sites"],
    handlers=lambda base: HANDLERS,
    partners_topic=True,
    versioned=["agreements", "orders", "pickups"],
    imports=lambda base: [
        Kind("articles", Article, ("article_number", "valid_from"), import_articles),
        Kind("routes", Route, ("route_number",), import_routes),
        Kind("holidays", Holiday, ("date", "country"), import_holidays),
        Kind("rules", Rule, ("rule_number",), import_rules),
        Kind("agreements", AgreementRow, ("agreement_number",), import_agreements),
        Kind("pickups", PickupRow, ("pickup_number",), import_pickups),
    ],
    announcements=[Announcement(thing="pickup", event=PickupStated, table="pickups", state=announce_pickups)],
    copies=[ACCESS, Copy(SiteStated, "sites"), Copy(ContainerStated, "containers")],
)
