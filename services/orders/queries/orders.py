"""Orders as they are read, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.access.listing import fetch_reached
from services.access.reach import ScopedTable, SortOrder
from services.chassis.db.paging import KeysetPage, TimestampKey
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.ids import find_id
from services.contracts.orders import Order, OrderState
from services.contracts.values import Connection as Listing
from services.contracts.values import Id, Page
from services.orders.domain.order import OPEN_STATES
from services.orders.mapping import responses
from services.orders.store import reference_data
from services.orders.store.orders import COLUMNS, to_order

_VISIBLE, _BILLING = visible("o.organisation_id", "o.site_id"), billing("o.organisation_id", "o.site_id")
_TABLE = ScopedTable(name="orders o", organisation="o.organisation_id", site="o.site_id")
_LATEST_FIRST = SortOrder(("o.placed_at", "o.id"), descending=True)
_BY_ID = f"SELECT {COLUMNS}, {_BILLING} AS billing FROM orders o WHERE o.id = ANY ($3) AND {_VISIBLE}"
_OPEN_COUNTS = f"""
    SELECT o.site_id, count(*) AS open FROM orders o
    WHERE o.site_id = ANY ($3) AND o.state = ANY ($4) AND {_VISIBLE} GROUP BY o.site_id
"""


async def orders(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    page: Page,
    site_id: Id | None,
    states: Sequence[OrderState] | None,
) -> Listing[Order]:
    """The caller's orders, newest first."""
    site = find_id("site", site_id) if site_id else None
    wanted = sorted({state.value for state in states}) if states is not None else None
    part: KeysetPage[Order] = KeysetPage(page, (TimestampKey, uuid.UUID), "orders", site_id, wanted)
    if site_id and site is None:
        return part.connection([], 0)
    query = SqlQuery(caller.subject_id, day)
    if wanted is not None:
        query.where("o.state = ANY ({})", wanted)
    rows, total = await fetch_reached(
        connection,
        _TABLE,
        f"{COLUMNS}, {_BILLING} AS billing",
        query,
        part,
        _LATEST_FIRST,
        site=site,
    )
    shown = await _to_responses(connection, caller, day, rows)
    return part.connection([([row["placed_at"], row["id"]], shown[row["id"]]) for row in rows], total)


async def orders_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[Order | None]:
    """The orders with these ids, in their order; None for what the caller does not reach."""
    wanted = [find_id("order", text) for text in ids]
    rows = await connection.fetch(_BY_ID, caller.subject_id, day, [one for one in wanted if one])
    shown = await _to_responses(connection, caller, day, rows)
    return [shown.get(one) if one else None for one in wanted]


async def open_order_counts(
    connection: DatabaseConnection, caller: Caller, day: dt.date, site_ids: Sequence[Id]
) -> list[int]:
    """How many orders of each site are not done yet."""
    wanted = [find_id("site", text) for text in site_ids]
    states = [state.value for state in OPEN_STATES]
    rows = await connection.fetch(_OPEN_COUNTS, caller.subject_id, day, [one for one in wanted if one], states)
    counts = {row["site_id"]: row["open"] for row in rows}
    return [counts.get(one, 0) if one else 0 for one in wanted]


async def _to_responses(
    connection: DatabaseConnection, caller: Caller, day: dt.date, rows: Sequence[Row]
) -> dict[uuid.UUID, Order]:
    articles = await reference_data.articles(connection, {row["article_id"] for row in rows})
    found: dict[uuid.UUID, Order] = {}
    for row in rows:
        record, priced = to_order(row), row["billing"]
        article = responses.article_response(
            record.article_id, articles[record.article_id], caller.language, day, billing=priced
        )
        found[record.id] = responses.order_response(record, article, billing=priced)
    return found
