"""The import of agreements from the ERP (O1)."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from services.chassis.imports.export_files import RowResult
from services.chassis.imports.record_changes import Leads, load_changes
from services.chassis.imports.row_reader import RowError, row_error
from services.contracts.sites import Fraction
from services.orders.domain.agreement import AgreementFacts, AgreementRecord, ContainerCopy, SiteCopy
from services.orders.domain.validity import Number
from services.orders.usecases.ports.transaction import OrdersStore


class AgreementRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``agreements.csv``. ``first_pickup`` is the cadence's first day."""

    agreement_number: Number
    site_number: Number
    container_number: Number
    article_number: Number
    route_number: Number
    fraction: Fraction
    litres: Annotated[int, Meta(ge=1, le=50_000)]
    count: Annotated[int, Meta(ge=1, le=1_000)]
    interval_weeks: Annotated[int, Meta(ge=1, le=52)]
    ordered_on: dt.date
    first_pickup: dt.date
    ended_on: dt.date | None = None
    changed_at: Annotated[dt.datetime, Meta(tz=True)] | None = None


class _References(msgspec.Struct, frozen=True):
    """The records to which the rows refer, by number."""

    sites: Mapping[str, SiteCopy]
    containers: Mapping[str, ContainerCopy]
    articles: Mapping[str, uuid.UUID]
    routes: frozenset[str]


async def import_agreements(tx: OrdersStore, rows: Sequence[AgreementRow], leads: Leads) -> list[RowResult | RowError]:
    """Save the agreement of each row that adds or changes one."""
    known = _References(
        await tx.sites.by_number({row.site_number for row in rows}),
        await tx.containers.by_number({row.container_number for row in rows}),
        await tx.articles.ids({row.article_number for row in rows}),
        frozenset(await tx.routes.by_number({row.route_number for row in rows})),
    )
    stored = await tx.agreements.lock_by_number({row.agreement_number for row in rows})
    records = await load_changes(tx, "agreements", stored, leads)
    results: list[RowResult | RowError] = []
    for row in rows:
        bad = _problem(row, known)
        if bad is not None:
            results.append(bad)
            continue
        site = known.sites[row.site_number]
        facts = _to_facts(row, known)
        make = partial(AgreementRecord, organisation_id=site.organisation_id, municipality=site.municipality)
        results.append(records.apply(row.agreement_number, facts, make, row.changed_at))
    await tx.agreements.save(records.changed)
    await records.remember(tx)
    return results


def _problem(row: AgreementRow, known: _References) -> RowError | None:
    references: list[tuple[str, str, Mapping[str, object] | frozenset[str]]] = [
        ("site_number", row.site_number, known.sites),
        ("container_number", row.container_number, known.containers),
        ("article_number", row.article_number, known.articles),
        ("route_number", row.route_number, known.routes),
    ]
    for field, number, records in references:
        if number not in records:
            return row_error(field, "UNKNOWN", retryable=True, value=number)
    if known.containers[row.container_number].site_id != known.sites[row.site_number].id:
        return row_error("container_number", "ON_ANOTHER_SITE", container=row.container_number, site=row.site_number)
    if row.ended_on is not None and row.ended_on < row.ordered_on:
        return row_error("ended_on", "BEFORE_START", start=row.ordered_on)
    return None


def _to_facts(row: AgreementRow, known: _References) -> AgreementFacts:
    return AgreementFacts(
        agreement_number=row.agreement_number,
        site_id=known.sites[row.site_number].id,
        container_id=known.containers[row.container_number].id,
        article_id=known.articles[row.article_number],
        route_number=row.route_number,
        fraction=row.fraction,
        litres=row.litres,
        count=row.count,
        interval_weeks=row.interval_weeks,
        ordered_on=row.ordered_on,
        first_pickup=row.first_pickup,
        ended_on=row.ended_on,
    )
