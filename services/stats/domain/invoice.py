"""An invoice as the ERP states it."""

import datetime as dt
import uuid

import msgspec


class InvoiceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an invoice.

    ``net_minor`` is net of VAT in the currency's minor unit, negative for a credit note; ``vat_rate`` comes on top, in
    tenths of a per cent. ``period`` is what is invoiced, in the ERP's words ("VUOSI 2022").
    """

    invoice_number: str
    organisation_id: uuid.UUID
    customer_number: str
    invoice_date: dt.date
    due_date: dt.date
    period: str
    net_minor: int
    vat_rate: int
    currency: str


class InvoiceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as it is kept. ``version`` rises with every change."""

    id: uuid.UUID
    version: int
    facts: InvoiceFacts
