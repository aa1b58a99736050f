"""An invoice of the ERP."""

import datetime as dt
import uuid

import msgspec


class InvoiceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of an invoice."""

    invoice_number: str
    organisation_id: uuid.UUID
    customer_number: str
    invoice_date: dt.date
    due_date: dt.date
    period: str
    """The invoiced period in the ERP's words ("VUOSI 2022")."""
    net_minor: int
    """Net of VAT in the currency's minor unit; negative for a credit note."""
    vat_rate: int
    """Tenths of a per cent."""
    currency: str


class InvoiceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as it is stored. ``version`` rises with every change."""

    id: uuid.UUID
    version: int
    facts: InvoiceFacts
