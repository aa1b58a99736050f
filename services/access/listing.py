"""Pages of the rows that a caller reaches, with the total count where it is requested."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from services.access.decision import visible
from services.access.reach import (
    Restriction,
    ScopedTable,
    SearchCondition,
    reached_changes_query,
    reached_count_query,
    reached_page_query,
    restricted_page_query,
)
from services.access.updates import Reader, begin_look, fetch_removed
from services.chassis.db.keyset_query import SortOrder, add_after_condition
from services.chassis.db.paging import KeysetPage, Updates
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.updates import ListedTable, Look
from services.chassis.ids import find_id
from services.contracts.values import Id


def id_restrictions(*conditions: tuple[str, str, Sequence[Id] | None]) -> list[Restriction]:
    """Return the restrictions of a filter's ids: each a column, the prefix of its ids, and the ids; None: no condition.

    The one that leads to the fewest rows is the first. A malformed id identifies nothing.
    """
    return [
        Restriction(column, sorted({found for text in ids if (found := find_id(prefix, text))}))
        for column, prefix, ids in conditions
        if ids is not None
    ]


async def fetch_reached(
    connection: DatabaseConnection,
    table: ScopedTable,
    columns: str,
    query: SqlQuery,
    part: KeysetPage[Any],
    order: SortOrder,
    *,
    reader: Reader | None = None,
    restrictions: Sequence[Restriction] = (),
    search: SearchCondition | None = None,
) -> tuple[Sequence[Row], int | UnsetType, Updates]:
    """Return the rows to make a page of, the number of rows of the whole list, and what it says of changes.

    ``query`` begins with the caller ($1) and the day ($2), and has the list's filter. The list is restricted by each of
    the ``restrictions``; the first of them leads to the rows. ``reader`` is who may look for changes later.
    """
    look: Look | None = None
    if reader is not None and part.has_look:
        look = await begin_look(connection, reader, part)
    updates = Updates(look.token if look and part.makes_token else None)
    if any(not one.values for one in restrictions):
        return [], 0 if part.counts_total else UNSET, updates
    if part.backward:
        order = order.reversed
    if reader is not None and look is not None and look.since is not None:
        return await _fetch_changed(
            connection, table, columns, query, part, order, look.since, reader.listed, restrictions, search, updates
        )
    for restriction in restrictions[1:]:
        query.where(restriction.condition("{}"), restriction.values)
    # The rows of a restricted list are found by the restriction's index and checked against the grants; other lists
    # begin from the grants.
    if restrictions:
        query.where(visible(table.organisation, table.site))
    where = query.condition
    filtered = f"{where} AND {search.condition}" if search else where
    values = query.value(restrictions[0].values) if restrictions else ""
    total: int | UnsetType = UNSET
    if part.counts_total:
        counted = (
            f"SELECT count(*) FROM {table.name} WHERE {restrictions[0].condition(values)} AND {filtered}"
            if restrictions
            else reached_count_query(table, filtered)
        )
        total = int(await connection.fetchval(counted, *query.values))
    after_condition = add_after_condition(query, part, order)
    limit = query.value(part.limit)
    if restrictions:
        statement = restricted_page_query(
            table, columns, order, limit, restrictions[0], values, where=filtered, after_condition=after_condition
        )
    else:
        statement = reached_page_query(
            table, columns, order, limit, where=where, after_condition=after_condition, search=search
        )
    return await connection.fetch(statement, *query.values), total, updates


async def _fetch_changed(
    connection: DatabaseConnection,
    table: ScopedTable,
    columns: str,
    query: SqlQuery,
    part: KeysetPage[Any],
    order: SortOrder,
    since: int,
    listed: ListedTable,
    restrictions: Sequence[Restriction],
    search: SearchCondition | None,
    updates: Updates,
) -> tuple[Sequence[Row], int | UnsetType, Updates]:
    """Return the rows that changed from a transaction on, found by the index of the changes."""
    for restriction in restrictions:
        query.where(restriction.condition("{}"), restriction.values)
    matches = f"{query.condition} AND {search.condition}" if search else query.condition
    # A subquery hides the value from the planner, which would take the index of all changes where few rows are newer.
    since_value = f"(SELECT {query.value(since)}::bigint)"
    if not part.has_start:
        removed = await fetch_removed(connection, table, listed, query, since_value, matches)
        updates = msgspec.structs.replace(updates, removed=removed)
    alias = table.name.split()[-1]
    changed = reached_changes_query(table, f"{alias}.changed_in >= {since_value}", matches)
    total: int | UnsetType = UNSET
    if part.counts_total:
        total = int(await connection.fetchval(f"SELECT count(*) FROM ({changed}) AS changed", *query.values))
    after_condition = add_after_condition(query, part, order)
    rows = await connection.fetch(
        f"""
        SELECT {columns} FROM ({changed}) AS changed JOIN {table.name} ON {alias}.id = changed.id
        WHERE {after_condition} {order.clause} LIMIT {query.value(part.limit)}
        """,
        *query.values,
    )
    return rows, total, updates
