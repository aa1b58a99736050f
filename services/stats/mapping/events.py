"""Invoices as events."""

from services.chassis.ids import write_id
from services.contracts.stats import InvoiceStated
from services.stats.domain.invoice import InvoiceRecord


def invoice_stated_event(invoice: InvoiceRecord) -> InvoiceStated:
    """Return the event of an invoice: the facts that registration needs, without amounts."""
    return InvoiceStated(
        invoice_id=write_id("invoice", invoice.id),
        organisation_id=write_id("org", invoice.facts.organisation_id),
        customer_number=invoice.facts.customer_number,
        invoice_number=invoice.facts.invoice_number,
        invoice_date=invoice.facts.invoice_date,
        version=invoice.version,
    )
