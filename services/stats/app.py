"""The blueprint of stats."""

from pathlib import Path

from services.access.copy import ACCESS_COPY
from services.chassis.events.copies.announcement import Announcement
from services.chassis.events.copies.rebuild import Copy
from services.chassis.imports.export_files import ImportKind
from services.contracts.identity.events import OrganisationStated
from services.contracts.orders.events import PickupStated
from services.contracts.stats import InvoiceStated, Stats
from services.hosting.blueprint import Blueprint
from services.stats.http.api import StatsApi
from services.stats.messaging.handlers import HANDLERS
from services.stats.store.sensitive import SENSITIVE
from services.stats.store.transaction import StatsTransaction
from services.stats.usecases.announce_invoices import announce_invoices
from services.stats.usecases.import_invoices import InvoiceRow, import_invoices

STATS: Blueprint[StatsTransaction, Stats] = Blueprint(
    name="stats",
    contract=Stats,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=StatsTransaction,
    bind=lambda runtime: lambda caller: StatsApi(runtime, caller),
    subscribes_to=["identity", "orders"],
    handlers=lambda runtime: HANDLERS,
    sensitive=SENSITIVE,
    versioned=["invoices"],
    has_files=True,
    imports=lambda runtime: [ImportKind("invoices", InvoiceRow, ("invoice_number",), import_invoices)],
    announcements=[Announcement(entity="invoice", event=InvoiceStated, table="invoices", emit_page=announce_invoices)],
    copies=[ACCESS_COPY, Copy(OrganisationStated, "organisations"), Copy(PickupStated, "pickups")],
    recompute=lambda tx: tx.volumes.recount(),
)
