"""The import of invoices from the ERP (I17, T7)."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.record_changes import load_changes
from services.chassis.imports.row_reader import RowError, row_error
from services.stats.domain.invoice import InvoiceFacts, InvoiceRecord
from services.stats.mapping.events import invoice_stated_event
from services.stats.usecases.ports.transaction import StatsStore

Number = Annotated[str, Meta(min_length=1, max_length=50)]
_MAX_AMOUNT = 10**15


class InvoiceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``invoices.csv``. ``net_minor`` is negative for a credit note."""

    invoice_number: Number
    customer_number: Number
    invoice_date: dt.date
    due_date: dt.date
    period: Annotated[str, Meta(min_length=1, max_length=100)]
    net_minor: Annotated[int, Meta(ge=-_MAX_AMOUNT, le=_MAX_AMOUNT)]
    vat_rate: Annotated[int, Meta(ge=0, le=1000)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]


async def import_invoices(tx: StatsStore, rows: Sequence[InvoiceRow]) -> list[RowResult | RowError]:
    """Save and announce the invoice of each row that adds or changes one."""
    organisations = await tx.organisations.ids_by_number({row.customer_number for row in rows})
    erased = await tx.erased_keys("org", {row.customer_number for row in rows})
    stored = await tx.invoices.lock_by_number({row.invoice_number for row in rows})
    records = await load_changes(tx, "invoices", stored, {})
    results: list[RowResult | RowError] = []
    for row in rows:
        if row.customer_number in erased:
            results.append(row_error("customer_number", "ERASED"))
            continue
        organisation_id = organisations.get(row.customer_number)
        if organisation_id is None:
            results.append(row_error("customer_number", "UNKNOWN", retryable=True, value=row.customer_number))
            continue
        if row.due_date < row.invoice_date:
            results.append(row_error("due_date", "BEFORE_START", start=row.invoice_date))
            continue
        facts = InvoiceFacts(organisation_id=organisation_id, **msgspec.structs.asdict(row))
        results.append(records.apply(row.invoice_number, facts, InvoiceRecord))
    await tx.invoices.save(records.changed)
    await records.remember(tx)
    for invoice in records.changed:
        tx.emit(invoice_stated_event(invoice))
    return results
