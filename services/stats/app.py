"""Stats, put together: reads like a table of contents."""

from pathlib import Path

from services.access.assembly import Blueprint
from services.chassis.export_files import Kind
from services.contracts.stats import Stats
from services.stats.http.offering import Offering
from services.stats.messaging.handlers import HANDLERS
from services.stats.store.transaction import StatsTransaction
from services.stats.usecases.import_invoices import InvoiceRow, import_invoices

STATS: Blueprint[StatsTransaction, Stats] = Blueprint(
    name="stats",
    contract=Stats,
    migrations=Path(__file__).parent / "store" / "migrations",
    transaction=StatsTransaction,
    bind=lambda base: lambda caller: Offering(base, caller),
    listens=["identity", "orders"],
    handlers=lambda base: HANDLERS,
    imports=[Kind("invoices", InvoiceRow, import_invoices)],
)
