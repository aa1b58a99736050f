"""Lists and look-ups of orders, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.access.listing import fetch_reached, id_restrictions
from services.access.reach import ScopedTable, SortOrder
from services.chassis.db.paging import KeysetPage, TimestampKey
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.ids import find_id
from services.contracts.orders.orders import Order, OrderState
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page
from services.orders.domain.order import OPEN_STATES
from services.orders.mapping import responses
from services.orders.store.articles import PostgresArticleRepository
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
) -> RelayConnection[Order]:
    """Return a page of the orders that the caller reaches, newest first."""
    state_values = sorted({state.value for state in states}) if states is not None else None
    keyset_page: KeysetPage[Order] = KeysetPage(page, (TimestampKey, uuid.UUID), "orders", site_id, state_values)
    query = SqlQuery(caller.subject_id, day)
    if state_values is not None:
        query.where("o.state = ANY ({})", state_values)
    rows, total = await fetch_reached(
        connection,
        _TABLE,
        f"{COLUMNS}, {_BILLING} AS billing",
        query,
        keyset_page,
        _LATEST_FIRST,
        restrictions=id_restrictions(("o.site_id", "site", [site_id] if site_id else None)),
    )
    responses_by_id = await _to_responses(connection, caller, day, rows)
    return keyset_page.connection([([row["placed_at"], row["id"]], responses_by_id[row["id"]]) for row in rows], total)


async def orders_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[Order | None]:
    """Return the orders with these ids, in their order; None for one that the caller does not reach."""
    requested_ids = [find_id("order", text) for text in ids]
    rows = await connection.fetch(_BY_ID, caller.subject_id, day, [order_id for order_id in requested_ids if order_id])
    responses_by_id = await _to_responses(connection, caller, day, rows)
    return [responses_by_id.get(order_id) if order_id else None for order_id in requested_ids]


async def open_order_counts(
    connection: DatabaseConnection, caller: Caller, day: dt.date, site_ids: Sequence[Id]
) -> list[int]:
    """Return the number of open orders of each site."""
    requested_ids = [find_id("site", text) for text in site_ids]
    states = [state.value for state in OPEN_STATES]
    rows = await connection.fetch(
        _OPEN_COUNTS, caller.subject_id, day, [site_id for site_id in requested_ids if site_id], states
    )
    counts = {row["site_id"]: row["open"] for row in rows}
    return [counts.get(site_id, 0) if site_id else 0 for site_id in requested_ids]


async def _to_responses(
    connection: DatabaseConnection, caller: Caller, day: dt.date, rows: Sequence[Row]
) -> dict[uuid.UUID, Order]:
    articles = await PostgresArticleRepository(connection).by_id({row["article_id"] for row in rows})
    orders: dict[uuid.UUID, Order] = {}
    for row in rows:
        record, billed = to_order(row), row["billing"]
        article = responses.article_response(
            record.article_id, articles[record.article_id], caller.language, day, billing=billed
        )
        orders[record.id] = responses.order_response(record, article, billing=billed)
    return orders
