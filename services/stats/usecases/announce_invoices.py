"""Stating every invoice again, for those who keep copies."""

import uuid

from services.stats.usecases.import_invoices import invoice_stated_event
from services.stats.usecases.ports import StatsStore


async def announce_invoices(tx: StatsStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """State the invoices with the next ids."""
    invoices = await tx.invoices_after(after, limit)
    for invoice in invoices:
        tx.emit(invoice_stated_event(invoice))
    return [invoice.id for invoice in invoices]
