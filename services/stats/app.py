"""Stats, put together: reads like a table of contents."""

from pathlib import Path

from services.access.assembly import Blueprint
from services.access.copy import ACCESS
from services.chassis.announcing import Announcement
from services.chassis.export_files import Kind
from services.chassis.rebuilding import Copy
from services.contracts.identity import OrganisationStated
from services.contracts.orders import PickupStated
from services.contracts.stats import InvoiceStated, Stats
from services.stats.http.offering import Offering
from services.stats.messaging.handlers import HANDLERS
from services.stats.store.transaction import StatsTransaction
from services.stats.usecases.announce_invoices import announce_invoices
from services.stats.usecases.import_invoices import InvoiceRow, import_invoices
from services.stats.usecases.recount_volumes import recount_volumes

STATS: Blueprint[StatsTransaction, Stats] = Blueprint(
    name="stats",
    contract=Stats,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=StatsTransaction,
    bind=lambda base: lambda caller: Offering(base, caller),
    listens=["identity", "orders"],
    handlers=lambda base: HANDLERS,
    versioned=["invoices"],
    imports=lambda base: [Kind("invoices", InvoiceRow, ("invoice_number",), import_invoices)],
    announcements=[Announcement(thing="invoice", event=InvoiceStated, table="invoices", state=announce_invoices)],
    copies=[ACCESS, Copy(OrganisationStated, "organisations"), Copy(PickupStated, "pickups")],
    recompute=recount_volumes,
)
