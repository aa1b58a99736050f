"""The announcement of all invoices, for services that keep copies."""

import uuid

from services.stats.mapping.events import invoice_stated_event
from services.stats.usecases.ports.transaction import StatsStore


async def announce_invoices(tx: StatsStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """Emit the events of the invoices with the next ids."""
    invoices = await tx.invoices.after(after, limit)
    for invoice in invoices:
        tx.emit(invoice_stated_event(invoice))
    return [invoice.id for invoice in invoices]
