"""Pages of the rows that a caller reaches, with the total count where it is requested."""

import uuid
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from services.access.decision import visible
from services.access.reach import ScopedTable, SearchCondition, SortOrder, reached_count_query, reached_page_query
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery


async def fetch_reached(
    connection: DatabaseConnection,
    table: ScopedTable,
    columns: str,
    query: SqlQuery,
    part: KeysetPage[Any],
    order: SortOrder,
    *,
    organisation: uuid.UUID | None = None,
    site: uuid.UUID | None = None,
    search: SearchCondition | None = None,
) -> tuple[Sequence[Row], int | UnsetType]:
    """Return the rows of a page, one more than it shows, and the number of rows of the whole list.

    ``query`` begins with the caller ($1) and the day ($2), and has the list's filter. ``organisation`` and ``site``
    restrict the list to their rows.
    """
    for column, value in ((table.organisation, organisation), (table.site, site)):
        if value is not None:
            query.where(f"{column} = {{}}", value)
    # The rows of one organisation or site are found by its index and checked against the grants; other lists begin from
    # the grants.
    is_restricted = organisation is not None or site is not None
    if is_restricted:
        query.where(visible(table.organisation, table.site))
    where = query.condition
    filtered = f"{where} AND {search.condition}" if search else where
    total: int | UnsetType = UNSET
    if part.counts_total:
        counted = f"SELECT count(*) FROM {table.name} WHERE {filtered}" if is_restricted else None
        total = int(await connection.fetchval(counted or reached_count_query(table, filtered), *query.values))
    after_condition = "true"
    if part.has_previous_page:
        after_condition = f"({', '.join(order.keys)}) {order.follows} ({', '.join(map(query.value, part.after))})"
    limit = query.value(part.limit)
    if is_restricted:
        statement = (
            f"SELECT {columns} FROM {table.name} WHERE {filtered} AND {after_condition} {order.clause} LIMIT {limit}"
        )
    else:
        statement = reached_page_query(
            table, columns, order, limit, where=where, after_condition=after_condition, search=search
        )
    return await connection.fetch(statement, *query.values), total
