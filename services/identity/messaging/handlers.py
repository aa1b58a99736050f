"""Handlers of the events that identity subscribes to."""

from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.ids import read_id
from services.contracts.stats import InvoiceStated
from services.identity.domain.organisation import InvoiceCopy
from services.identity.store.transaction import IdentityTransaction
from services.identity.usecases.ports.transaction import IdentityStore


async def handle_invoice_stated(tx: IdentityStore, event: ReceivedEvent[InvoiceStated]) -> None:
    """Keep an invoice by customer number, number and date, for registration (I1)."""
    stated = event.data
    await tx.invoices.upsert(
        InvoiceCopy(
            id=read_id("invoice", stated.invoice_id),
            customer_number=stated.customer_number,
            invoice_number=stated.invoice_number,
            invoice_date=stated.invoice_date,
            version=stated.version,
        )
    )


HANDLERS: Handlers[IdentityTransaction] = {InvoiceStated: handle_invoice_stated}
