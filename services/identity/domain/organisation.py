"""An organisation and its invoices as the ERP states them, and what counts as a change."""

import datetime as dt
import uuid

import msgspec

from services.contracts.identity import OrganisationKind


class OrganisationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an organisation."""

    customer_number: str
    name: str
    kind: OrganisationKind
    business_id: str | None = None


class OrganisationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation as it is kept. ``version`` rises with every change."""

    id: uuid.UUID
    version: int
    facts: OrganisationFacts


class InvoiceCopy(msgspec.Struct, frozen=True, kw_only=True):
    """What identity keeps of an invoice, so that its receiver can register (I1)."""

    id: uuid.UUID
    customer_number: str
    invoice_number: str
    invoice_date: dt.date
    version: int
