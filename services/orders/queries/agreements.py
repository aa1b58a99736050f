"""Lists and look-ups of agreements, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from msgspec import UNSET

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.access.updates import fetch_snapshot
from services.chassis.db.keyset_query import SortOrder, fetch_pages
from services.chassis.db.paging import KeysetPage, Updates
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.updates import ListedRows, Look, select_changes
from services.chassis.ids import find_id
from services.contracts.orders.agreements import Agreement, AgreementFilter, AgreementOrder, AgreementOrderField
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page, SortDirection
from services.orders.domain.calendar import next_pickup
from services.orders.mapping import responses
from services.orders.store.agreements import COLUMNS, to_agreement
from services.orders.store.articles import PostgresArticleRepository
from services.orders.store.schedules import PostgresScheduleRepository

_RESPONSE_COLUMNS = f"""
    {COLUMNS}, c.container_number, {billing("s.organisation_id", "s.id")} AS billing
"""
_TABLE = "agreements a JOIN containers c ON c.id = a.container_id"
_VISIBLE = visible("s.organisation_id", "s.id")
_BY_NUMBER = AgreementOrder(field=AgreementOrderField.AGREEMENT_NUMBER)
_IS_REACHED = f"s.id = ANY ($3) AND {_VISIBLE}"
_REACHED = f"SELECT s.id FROM sites s WHERE {_IS_REACHED}"
_LISTED = ListedRows(
    list="agreements",
    prefix="agreement",
    rows="agreements a JOIN sites s ON s.id = a.site_id",
    id="a.id",
    # A site that goes to another organisation takes its agreements along.
    marks=("a.changed_in", "s.changed_in"),
    within=_IS_REACHED,
    removals=f"r.site_id IN ({_REACHED})",
)
_BY_ID = (
    f"SELECT {_RESPONSE_COLUMNS} FROM {_TABLE} JOIN sites s ON s.id = a.site_id WHERE a.id = ANY ($3) AND {_VISIBLE}"
)


async def agreements_of_sites(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    zone: str,
    site_ids: Sequence[Id],
    page: Page,
    filter: AgreementFilter | None,
    order: AgreementOrder | None,
) -> list[RelayConnection[Agreement]]:
    """Return the same page of each site's agreements.

    A cursor belongs to one site's list, and so does a token: a page after either is requested of one site.
    """
    asked, order = filter or AgreementFilter(), order or _BY_NUMBER
    keyset_pages: list[KeysetPage[Agreement]] = [
        KeysetPage(page, (str,), "agreements", order, asked, text) for text in site_ids
    ]
    if not keyset_pages:
        return []
    part = keyset_pages[0]
    requested_ids = [find_id("site", text) for text in site_ids]
    query = SqlQuery(caller.subject_id, day, [site_id for site_id in requested_ids if site_id])
    query.where("a.site_id = s.id")
    if asked.fractions is not None:
        query.where("a.fraction = ANY ({})", [one.value for one in asked.fractions])
    if asked.ended is not None:
        query.where("(a.ended_on IS NOT NULL AND a.ended_on < $2) = {}", asked.ended)
    updates = [Updates()] * len(keyset_pages)
    if part.has_look:
        looks = await _begin_looks(connection, caller, day, keyset_pages, requested_ids, asked)
        updates = await select_changes(connection, _LISTED, query, keyset_pages, looks)
    order_by = SortOrder(("a.agreement_number",), descending=order.direction is SortDirection.DESC)
    pages = await fetch_pages(connection, "sites s", _IS_REACHED, _TABLE, _RESPONSE_COLUMNS, query, part, order_by)
    found = [row for rows, _ in pages.values() for row in rows]
    responses_by_id = await _to_responses(connection, caller, day, zone, found)
    connections = []
    for keyset_page, site_id, update in zip(keyset_pages, requested_ids, updates, strict=True):
        rows, total = pages.get(site_id, ([], 0)) if site_id else ([], 0)
        nodes = [([row["agreement_number"]], responses_by_id[row["id"]]) for row in rows]
        connections.append(keyset_page.connection(nodes, total if part.counts_total else UNSET, update))
    return connections


async def agreements_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, zone: str, ids: Sequence[Id]
) -> list[Agreement | None]:
    """Return the agreements with these ids, in their order; None for one that the caller does not reach."""
    requested_ids = [find_id("agreement", text) for text in ids]
    rows = await connection.fetch(
        _BY_ID, caller.subject_id, day, [agreement_id for agreement_id in requested_ids if agreement_id]
    )
    responses_by_id = await _to_responses(connection, caller, day, zone, rows)
    return [responses_by_id.get(agreement_id) if agreement_id else None for agreement_id in requested_ids]


async def _begin_looks(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    keyset_pages: Sequence[KeysetPage[Agreement]],
    site_ids: Sequence[uuid.UUID | None],
    asked: AgreementFilter,
) -> list[Look]:
    """Begin a look at each site's list, which depends on whether the caller reaches the site.

    The filter by ``ended`` depends on the day.
    """
    snapshot = await fetch_snapshot(connection, caller, day)
    rows = await connection.fetch(_REACHED, caller.subject_id, day, [site_id for site_id in site_ids if site_id])
    reached = {row["id"] for row in rows}
    filtered_on = day if asked.ended is not None else None
    return [
        snapshot.look(keyset_page, site_id in reached, filtered_on)
        for keyset_page, site_id in zip(keyset_pages, site_ids, strict=True)
    ]


async def _to_responses(
    connection: DatabaseConnection, caller: Caller, day: dt.date, zone: str, rows: Sequence[Row]
) -> dict[uuid.UUID, Agreement]:
    records = {row["id"]: to_agreement(row) for row in rows}
    articles = await PostgresArticleRepository(connection).by_id(
        {record.facts.article_id for record in records.values()}
    )
    schedules = await PostgresScheduleRepository(connection).of_agreements(zone, records.values(), day, dt.date.max)
    agreements: dict[uuid.UUID, Agreement] = {}
    for row in rows:
        record = records[row["id"]]
        article_id = record.facts.article_id
        article = responses.article_response(
            article_id, articles[article_id], caller.language, day, billing=row["billing"]
        )
        next_one = next_pickup(schedules[record.id], day)
        agreements[record.id] = responses.agreement_response(
            record, row["container_number"], article, next_one.date if next_one else None
        )
    return agreements
