"""Lists and look-ups of agreements, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from msgspec import UNSET

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
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
    FROM agreements a JOIN containers c ON c.id = a.container_id
"""
_VISIBLE = visible("s.organisation_id", "s.id")
_BY_NUMBER = AgreementOrder(field=AgreementOrderField.AGREEMENT_NUMBER)
_BY_ID = f"SELECT {_RESPONSE_COLUMNS} JOIN sites s ON s.id = a.site_id WHERE a.id = ANY ($3) AND {_VISIBLE}"


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

    A cursor belongs to one site's list: a page after a cursor is requested of one site.
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
    matching = query.condition
    descending = (order.direction is SortDirection.DESC) is not part.backward
    if part.has_start:
        query.where(f'a.agreement_number {"<" if descending else ">"} {{}} COLLATE "C"', *part.start)
    total = f"SELECT count(*) AS total FROM agreements a WHERE {matching}" if part.counts_total else "SELECT 0 AS total"
    by_number = f"a.agreement_number {'DESC' if descending else 'ASC'}"
    # One query for all sites: the page's rows of each site by the index, and the total.
    rows = await connection.fetch(
        f"""
        SELECT s.id AS listed, counted.total, found.*
        FROM sites s
        CROSS JOIN LATERAL ({total}) AS counted
        LEFT JOIN LATERAL (
            SELECT row_number() OVER (ORDER BY {by_number}) AS place, {_RESPONSE_COLUMNS}
            WHERE {query.condition} ORDER BY {by_number} LIMIT {query.value(part.limit)}
        ) AS found ON true
        WHERE s.id = ANY ($3) AND {_VISIBLE}
        ORDER BY s.id, found.place
        """,
        *query.values,
    )
    responses_by_id = await _to_responses(connection, caller, day, zone, [row for row in rows if row["id"] is not None])
    totals: dict[uuid.UUID, int] = {}
    nodes: dict[uuid.UUID, list[tuple[Sequence[object], Agreement]]] = {}
    for row in rows:
        totals[row["listed"]] = row["total"]
        if row["id"] is not None:
            nodes.setdefault(row["listed"], []).append(([row["agreement_number"]], responses_by_id[row["id"]]))
    return [
        keyset_page.connection(
            nodes.get(site_id, []) if site_id else [],
            (totals.get(site_id, 0) if site_id else 0) if part.counts_total else UNSET,
        )
        for keyset_page, site_id in zip(keyset_pages, requested_ids, strict=True)
    ]


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
