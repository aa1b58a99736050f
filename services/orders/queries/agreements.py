"""Lists and look-ups of agreements, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.ids import find_id
from services.contracts.orders.agreements import Agreement
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page
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


def _by_sites(follows: str, direction: str) -> str:
    """Return the query for the same page of all sites: the rows of each by the index, and the total."""
    return f"""
        SELECT s.id AS listed, counted.total, found.*
        FROM sites s
        CROSS JOIN LATERAL (SELECT count(*) AS total FROM agreements WHERE site_id = s.id) AS counted
        LEFT JOIN LATERAL (
            SELECT {_RESPONSE_COLUMNS}
            WHERE a.site_id = s.id AND ($4::text IS NULL OR a.agreement_number {follows} $4 COLLATE "C")
            ORDER BY a.agreement_number {direction} LIMIT $5
        ) AS found ON true
        WHERE s.id = ANY ($3) AND {_VISIBLE}
        ORDER BY s.id, found.agreement_number {direction}
    """


_FORWARD, _BACKWARD = _by_sites(">", "ASC"), _by_sites("<", "DESC")
_BY_ID = f"SELECT {_RESPONSE_COLUMNS} JOIN sites s ON s.id = a.site_id WHERE a.id = ANY ($3) AND {_VISIBLE}"


async def agreements_of_sites(
    connection: DatabaseConnection, caller: Caller, day: dt.date, zone: str, site_ids: Sequence[Id], page: Page
) -> list[RelayConnection[Agreement]]:
    """Return the same page of each site's agreements, by agreement number.

    A cursor belongs to one site's list: a page after a cursor is requested of one site.
    """
    keyset_pages: list[KeysetPage[Agreement]] = [KeysetPage(page, (str,), "agreements", text) for text in site_ids]
    if not keyset_pages:
        return []
    requested_ids = [find_id("site", text) for text in site_ids]
    site_uuids = [site_id for site_id in requested_ids if site_id]
    query = _BACKWARD if keyset_pages[0].backward else _FORWARD
    rows = await connection.fetch(
        query, caller.subject_id, day, site_uuids, *keyset_pages[0].start, keyset_pages[0].limit
    )
    responses_by_id = await _to_responses(connection, caller, day, zone, [row for row in rows if row["id"] is not None])
    totals: dict[uuid.UUID, int] = {}
    nodes: dict[uuid.UUID, list[tuple[Sequence[object], Agreement]]] = {}
    for row in rows:
        totals[row["listed"]] = row["total"]
        if row["id"] is not None:
            nodes.setdefault(row["listed"], []).append(([row["agreement_number"]], responses_by_id[row["id"]]))
    return [
        keyset_page.connection(nodes.get(site_id, []), totals.get(site_id, 0))
        if site_id
        else keyset_page.connection([], 0)
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
