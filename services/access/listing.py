"""Pages of lists of what a caller reaches: their rows, and how many there are where that is asked for."""

import uuid
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from services.access.decision import visible
from services.access.reach import Search, SortOrder, Table, count_of_reached, page_of_reached
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery


async def fetch_reached(
    connection: DatabaseConnection,
    table: Table,
    columns: str,
    query: SqlQuery,
    part: KeysetPage[Any],
    order: SortOrder,
    *,
    organisation: uuid.UUID | None = None,
    site: uuid.UUID | None = None,
    search: Search | None = None,
) -> tuple[Sequence[Row], int | UnsetType]:
    """Return the rows of a page, one more than it shows, and the number of rows of the whole list.

    ``query`` begins with the caller ($1) and the day ($2), and has the list's filter. ``organisation`` and ``site``
    narrow the list to their rows.
    """
    for column, value in ((table.organisation, organisation), (table.site, site)):
        if value is not None:
            query.where(f"{column} = {{}}", value)
    # The rows of one place are found by its index and held against the grants; else the grants say where to look.
    narrowed = organisation is not None or site is not None
    if narrowed:
        query.where(visible(table.organisation, table.site))
    where = query.condition
    filtered = f"{where} AND {search.condition}" if search else where
    total: int | UnsetType = UNSET
    if part.counts_total:
        counted = f"SELECT count(*) FROM {table.name} WHERE {filtered}" if narrowed else None
        total = int(await connection.fetchval(counted or count_of_reached(table, filtered), *query.values))
    behind = "true"
    if part.has_previous_page:
        behind = f"({', '.join(order.keys)}) {order.behind} ({', '.join(map(query.value, part.after))})"
    limit = query.value(part.limit)
    if narrowed:
        found = f"SELECT {columns} FROM {table.name} WHERE {filtered} AND {behind} {order.clause} LIMIT {limit}"
    else:
        found = page_of_reached(table, columns, order, limit, where=where, behind=behind, search=search)
    return await connection.fetch(found, *query.values), total
