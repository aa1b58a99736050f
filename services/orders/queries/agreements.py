"""Agreements as they are read, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.ids import find_id
from services.contracts.orders import Agreement
from services.contracts.values import Connection as Listing
from services.contracts.values import Id, Page
from services.orders.domain.calendar import next_pickup
from services.orders.mapping import responses
from services.orders.store import reference_data
from services.orders.store.agreements import COLUMNS, to_agreement
from services.orders.store.schedules import fetch_schedules

_RESPONSE_COLUMNS = f"""
    {COLUMNS}, c.container_number, {billing("s.organisation_id", "s.id")} AS billing
    FROM agreements a JOIN containers c ON c.id = a.container_id
"""
_VISIBLE = visible("s.organisation_id", "s.id")
# One query for all sites: of each, the page's rows by the index, and how many there are in all.
_BY_SITES = f"""
    SELECT s.id AS listed, counted.total, found.*
    FROM sites s
    CROSS JOIN LATERAL (SELECT count(*) AS total FROM agreements WHERE site_id = s.id) AS counted
    LEFT JOIN LATERAL (
        SELECT {_RESPONSE_COLUMNS} WHERE a.site_id = s.id AND ($4::text IS NULL OR a.agreement_number > $4 COLLATE "C")
        ORDER BY a.agreement_number LIMIT $5
    ) AS found ON true
    WHERE s.id = ANY ($3) AND {_VISIBLE}
    ORDER BY s.id, found.agreement_number
"""
_BY_ID = f"SELECT {_RESPONSE_COLUMNS} JOIN sites s ON s.id = a.site_id WHERE a.id = ANY ($3) AND {_VISIBLE}"


async def agreements_of_sites(
    connection: DatabaseConnection, caller: Caller, day: dt.date, zone: str, site_ids: Sequence[Id], page: Page
) -> list[Listing[Agreement]]:
    """The same page of each site's agreements, by agreement number.

    A cursor is of one site's list: with one of them, a page is asked for of that site alone.
    """
    parts: list[KeysetPage[Agreement]] = [KeysetPage(page, (str,), "agreements", text) for text in site_ids]
    if not parts:
        return []
    wanted = [find_id("site", text) for text in site_ids]
    known = [one for one in wanted if one]
    rows = await connection.fetch(_BY_SITES, caller.subject_id, day, known, *parts[0].after, parts[0].limit)
    shown = await _to_responses(connection, caller, day, zone, [row for row in rows if row["id"] is not None])
    totals: dict[uuid.UUID, int] = {}
    listed: dict[uuid.UUID, list[tuple[Sequence[object], Agreement]]] = {}
    for row in rows:
        totals[row["listed"]] = row["total"]
        if row["id"] is not None:
            listed.setdefault(row["listed"], []).append(([row["agreement_number"]], shown[row["id"]]))
    return [
        part.connection(listed.get(one, []), totals.get(one, 0)) if one else part.connection([], 0)
        for part, one in zip(parts, wanted, strict=True)
    ]


async def agreements_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, zone: str, ids: Sequence[Id]
) -> list[Agreement | None]:
    """The agreements with these ids, in their order; None for what the caller does not reach."""
    wanted = [find_id("agreement", text) for text in ids]
    rows = await connection.fetch(_BY_ID, caller.subject_id, day, [one for one in wanted if one])
    shown = await _to_responses(connection, caller, day, zone, rows)
    return [shown.get(one) if one else None for one in wanted]


async def _to_responses(
    connection: DatabaseConnection, caller: Caller, day: dt.date, zone: str, rows: Sequence[Row]
) -> dict[uuid.UUID, Agreement]:
    records = {row["id"]: to_agreement(row) for row in rows}
    articles = await reference_data.articles(connection, {record.facts.article_id for record in records.values()})
    planned = await fetch_schedules(connection, zone, records.values(), day, dt.date.max)
    found: dict[uuid.UUID, Agreement] = {}
    for row in rows:
        record = records[row["id"]]
        article_id = record.facts.article_id
        article = responses.article_response(
            article_id, articles[article_id], caller.language, day, billing=row["billing"]
        )
        coming = next_pickup(planned[record.id], day)
        found[record.id] = responses.agreement_response(
            record, row["container_number"], article, coming.date if coming else None
        )
    return found
