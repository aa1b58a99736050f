"""Pages of lists of what a caller reaches: their rows, and how many there are where that is asked for."""

import uuid
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from services.access.decision import Table, count_of_reached, order_by, page_of_reached, visible
from services.chassis.paging import KeysetPage
from services.chassis.postgres import Connection, Row
from services.chassis.query import Query


async def fetch_reached(
    connection: Connection,
    table: Table,
    columns: str,
    query: Query,
    part: KeysetPage[Any],
    *,
    keys: Sequence[str],
    descending: bool = False,
    organisation: uuid.UUID | None = None,
    site: uuid.UUID | None = None,
    searched: str = "",
) -> tuple[Sequence[Row], int | UnsetType]:
    """Return the rows of a page, one more than it shows, and the number of rows of the whole list.

    ``query`` begins with the caller ($1) and the day ($2), and has the list's filter; ``keys`` are the columns that the
    list is sorted by, the last of which identifies a row. ``organisation`` and ``site`` narrow the list to their rows.
    ``searched``: the column that the filter is about, where it has an index of its own and those of the orders include
    it.
    """
    for column, value in ((table.organisation, organisation), (table.site, site)):
        if value is not None:
            query.where(f"{column} = {{}}", value)
    # The rows of one place are found by its index and held against the grants; else the grants say where to look.
    narrowed = organisation is not None or site is not None
    if narrowed:
        query.where(visible(table.organisation, table.site))
    total: int | UnsetType = UNSET
    if part.counts:
        counted = f"SELECT count(*) FROM {table.name} WHERE {query.condition}" if narrowed else None
        total = int(await connection.fetchval(counted or count_of_reached(table, query.condition), *query.values))
    behind = "true"
    if part.begins_behind:
        values = ", ".join(map(query.value, part.after))
        behind = f"({', '.join(keys)}) {'<' if descending else '>'} ({values})"
    where, limit = query.condition, query.value(part.limit)
    if narrowed:
        order = order_by(keys, descending)
        found = f"SELECT {columns} FROM {table.name} WHERE {where} AND {behind} {order} LIMIT {limit}"
    else:
        found = page_of_reached(
            table,
            columns,
            keys=keys,
            descending=descending,
            limit=limit,
            where=where,
            behind=behind,
            searched=searched,
        )
    return await connection.fetch(found, *query.values), total
