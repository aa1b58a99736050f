"""Lists and look-ups of orders, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import billing, visible
from services.access.listing import fetch_reached, id_restrictions
from services.access.reach import Restriction, ScopedTable
from services.access.updates import Reader
from services.chassis.db.keyset_query import SortOrder
from services.chassis.db.paging import KeysetPage, TimestampKey
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.updates import ListedTable
from services.chassis.ids import find_id
from services.contracts.orders.orders import Order, OrderFilter, OrderOrder, OrderOrderField
from services.contracts.orders.summaries import OrderSummary
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page, SortDirection
from services.orders.domain.order import OPEN_STATES
from services.orders.mapping import responses
from services.orders.store.articles import PostgresArticleRepository
from services.orders.store.orders import COLUMNS, to_order

_VISIBLE, _BILLING = visible("o.organisation_id", "o.site_id"), billing("o.organisation_id", "o.site_id")
_TABLE = ScopedTable(name="orders o", organisation="o.organisation_id", site="o.site_id")
_LISTED = ListedTable(list="orders", prefix="order")
_SORT_COLUMNS = {OrderOrderField.PLACED_AT: "o.placed_at"}
_LATEST_FIRST = OrderOrder(field=OrderOrderField.PLACED_AT, direction=SortDirection.DESC)
_BY_ID = f"SELECT {COLUMNS}, {_BILLING} AS billing FROM orders o WHERE o.id = ANY ($3) AND {_VISIBLE}"
_SUMMARIES = f"SELECT {COLUMNS} FROM orders o WHERE o.id = ANY ($1)"
_OPEN_COUNTS = f"""
    SELECT o.site_id, count(*) AS open FROM orders o
    WHERE o.site_id = ANY ($3) AND o.state = ANY ($4) AND {_VISIBLE} GROUP BY o.site_id
"""


async def orders(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    page: Page,
    filter: OrderFilter | None,
    order: OrderOrder | None,
) -> RelayConnection[Order]:
    """Return a page of the orders that the caller reaches."""
    asked, order = filter or OrderFilter(), order or _LATEST_FIRST
    keyset_page: KeysetPage[Order] = KeysetPage(page, (TimestampKey, uuid.UUID), "orders", order, asked)
    query = SqlQuery(caller.subject_id, day)
    if asked.states is not None:
        query.where("o.state = ANY ({})", sorted({one.value for one in asked.states}))
    if asked.kinds is not None:
        query.where("o.kind = ANY ({})", sorted({one.value for one in asked.kinds}))
    if asked.since is not None:
        query.where("o.date >= {}", asked.since)
    if asked.until is not None:
        query.where("o.date <= {}", asked.until)
    of_number = [Restriction("o.number", [asked.number], "text")] if asked.number is not None else []
    rows, total, updates = await fetch_reached(
        connection,
        _TABLE,
        f"{COLUMNS}, {_BILLING} AS billing",
        query,
        keyset_page,
        SortOrder((_SORT_COLUMNS[order.field], "o.id"), descending=order.direction is SortDirection.DESC),
        reader=Reader(caller, day, _LISTED),
        restrictions=[
            *of_number,
            *id_restrictions(
                ("o.agreement_id", "agreement", asked.agreement_ids),
                ("o.site_id", "site", asked.site_ids),
                ("o.organisation_id", "org", asked.organisation_ids),
            ),
        ],
    )
    responses_by_id = await _to_responses(connection, caller, day, rows)
    return keyset_page.connection(
        [([row["placed_at"], row["id"]], responses_by_id[row["id"]]) for row in rows], total, updates
    )


async def orders_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[Order | None]:
    """Return the orders with these ids, in their order; None for one that the caller does not reach."""
    requested_ids = [find_id("order", text) for text in ids]
    rows = await connection.fetch(_BY_ID, caller.subject_id, day, [order_id for order_id in requested_ids if order_id])
    responses_by_id = await _to_responses(connection, caller, day, rows)
    return [responses_by_id.get(order_id) if order_id else None for order_id in requested_ids]


async def order_summaries(connection: DatabaseConnection, ids: Sequence[Id]) -> list[OrderSummary | None]:
    """Return the orders with these ids, in their order, whoever reaches them; None for an unknown id."""
    requested_ids = [find_id("order", text) for text in ids]
    rows = await connection.fetch(_SUMMARIES, [order_id for order_id in requested_ids if order_id])
    found = {order.id: responses.order_summary(order) for order in map(to_order, rows)}
    return [found.get(order_id) if order_id else None for order_id in requested_ids]


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
