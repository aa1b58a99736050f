"""Organisations: the facts from the ERP, their records, and the copies of their invoices."""

import datetime as dt
import uuid

import msgspec

from services.contracts.identity.organisations import OrganisationKind


class OrganisationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of an organisation."""

    customer_number: str
    name: str
    kind: OrganisationKind
    business_id: str | None = None


class OrganisationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The record of an organisation."""

    id: uuid.UUID
    version: int
    """Rises with every change."""
    facts: OrganisationFacts


class InvoiceCopy(msgspec.Struct, frozen=True, kw_only=True):
    """The copy of an invoice, with which its recipient can register (I1)."""

    id: uuid.UUID
    customer_number: str
    invoice_number: str
    invoice_date: dt.date
    version: int
