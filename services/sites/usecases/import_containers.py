"""The import of containers from the ERP (L9)."""

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.record_changes import Leads, load_changes
from services.chassis.imports.row_reader import RowError, row_error
from services.contracts.sites import Fraction
from services.sites.domain.site import ContainerFacts, ContainerRecord
from services.sites.mapping.events import container_stated_event
from services.sites.usecases.ports.transaction import SitesStore

Number = Annotated[str, Meta(min_length=1, max_length=50)]


class ContainerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``containers.csv``."""

    container_number: Number
    site_number: Number
    fraction: Fraction
    litres: Annotated[int, Meta(ge=1, le=50_000)]
    count: Annotated[int, Meta(ge=1, le=1_000)]
    changed_at: Annotated[dt.datetime, Meta(tz=True)] | None = None


async def import_containers(tx: SitesStore, rows: Sequence[ContainerRow], leads: Leads) -> list[RowResult | RowError]:
    """Save and announce the container of each row that differs from its record."""
    sites = await tx.sites.lock_by_number({row.site_number for row in rows})
    stored = await tx.containers.lock_by_number({row.container_number for row in rows})
    records = await load_changes(tx, "containers", stored, leads)
    results: list[RowResult | RowError] = []
    for row in rows:
        site = sites.get(row.site_number)
        if site is None:
            results.append(row_error("site_number", "UNKNOWN", retryable=True, value=row.site_number))
            continue
        facts = ContainerFacts(
            container_number=row.container_number,
            site_id=site.id,
            fraction=row.fraction,
            litres=row.litres,
            count=row.count,
        )
        make = partial(ContainerRecord, organisation_id=site.facts.organisation_id)
        results.append(records.apply(row.container_number, facts, make, row.changed_at))
    await tx.containers.save(records.changed)
    await records.remember(tx)
    for container in records.changed:
        tx.emit(container_stated_event(container))
    return results
