"""The import of sites from the ERP (L9)."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.record_changes import Leads, load_changes
from services.chassis.imports.row_reader import RowError, row_error
from services.contracts.sites import PropertyType
from services.sites.domain.site import SiteFacts, SiteRecord
from services.sites.mapping.events import site_stated_event
from services.sites.usecases.ports.transaction import SitesStore

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Phone = Annotated[
    str, Meta(max_length=200, pattern=r"^(\+[0-9 ()./-]*$|[^=+\-@＝＋－＠])", examples=["+358 40 1234567"])
]
"""A text that may begin with + only if it is a phone number: spreadsheets evaluate anything else as a formula."""


class SiteRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``sites.csv``."""

    site_number: Text
    customer_number: Text
    street: Text
    postal_code: Annotated[str, Meta(pattern=r"^[0-9 ]{4,6}$", examples=["46860"])]
    city: Text
    municipality: Text
    area: Text
    property_type: PropertyType
    dwellings: Annotated[int, Meta(ge=0, le=10_000)]
    billed_to: Text
    contact_name: Text | None = None
    contact_phone: Phone | None = None
    contact_email: Text | None = None
    changed_at: Annotated[dt.datetime, Meta(tz=True)] | None = None


async def import_sites(tx: SitesStore, rows: Sequence[SiteRow], leads: Leads) -> list[RowResult | RowError]:
    """Save and announce the site of each row that differs from its record."""
    organisations = await tx.organisations.ids_by_number({row.customer_number for row in rows})
    erased = await tx.erased_keys("org", {row.customer_number for row in rows})
    stored = await tx.sites.lock_by_number({row.site_number for row in rows})
    records = await load_changes(tx, "sites", stored, leads)
    results: list[RowResult | RowError] = []
    for row in rows:
        if row.customer_number in erased:
            results.append(row_error("customer_number", "ERASED"))
            continue
        organisation_id = organisations.get(row.customer_number)
        if organisation_id is None:
            results.append(row_error("customer_number", "UNKNOWN", retryable=True, value=row.customer_number))
            continue
        fields = msgspec.structs.asdict(row)
        del fields["customer_number"], fields["changed_at"]
        facts = SiteFacts(organisation_id=organisation_id, **fields)
        results.append(records.apply(row.site_number, facts, SiteRecord, row.changed_at))
    await tx.sites.save(records.changed)
    await records.remember(tx)
    for site in records.changed:
        tx.emit(site_stated_event(site))
    return results
