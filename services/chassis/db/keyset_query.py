"""Keyset queries: the rows of a page in the order of its list, those after the page's cursor alone."""

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from services.chassis.db.paging import KeysetPage, Updates
from services.chassis.db.postgres import DatabaseConnection, Pool, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.updates import ListedRows, fetch_snapshot, select_changes


class SortOrder(msgspec.Struct, frozen=True):
    """The columns that rows are sorted by, all in one direction."""

    keys: Sequence[str]
    """The last identifies a row."""
    descending: bool = False

    @property
    def clause(self) -> str:
        """The ORDER BY clause."""
        direction = " DESC" if self.descending else ""
        return f"ORDER BY {', '.join(f'{key}{direction}' for key in self.keys)}"

    @property
    def precedes(self) -> str:
        """The operator between a row and a later one."""
        return ">" if self.descending else "<"

    @property
    def follows(self) -> str:
        """The operator between a row and an earlier one."""
        return "<" if self.descending else ">"

    @property
    def reversed(self) -> "SortOrder":
        """The opposite order."""
        return SortOrder(self.keys, not self.descending)

    @property
    def columns(self) -> str:
        """The columns under the aliases of ``aliased``."""
        return ", ".join(f"{key} AS {alias}" for key, alias in zip(self.keys, self.aliased.keys, strict=True))

    @property
    def aliased(self) -> "SortOrder":
        """The same order of rows whose columns have the aliases k0, k1 and so on."""
        return SortOrder([f"k{index}" for index in range(len(self.keys))], self.descending)


def add_after_condition(query: SqlQuery, part: KeysetPage[Any], order: SortOrder) -> str:
    """Return the condition of the rows that follow the page's cursor, and add its values to the query.

    ``order`` is that in which the rows are fetched.
    """
    if not part.has_start:
        return "true"
    return f"({', '.join(order.keys)}) {order.follows} ({', '.join(map(query.value, part.start))})"


async def fetch_page(
    connection: DatabaseConnection | Pool,
    table: str,
    columns: str,
    query: SqlQuery,
    part: KeysetPage[Any],
    order: SortOrder,
    listed: ListedRows | None = None,
) -> tuple[Sequence[Row], int | UnsetType, Updates]:
    """Return the rows to make a page of, the number of rows of the whole list, and what it says of changes.

    The list is one without scopes: a caller who may read it may read all of it. ``query`` has its filter; ``listed``
    are its rows if their changes are known.
    """
    updates = Updates()
    if listed is not None and part.has_look:
        look = (await fetch_snapshot(connection)).look(part)
        (updates,) = await select_changes(connection, listed, query, [part], [look])
    total: int | UnsetType = UNSET
    if part.counts_total:
        counted = f"SELECT count(*) FROM {table} WHERE {query.condition}"
        total = int(await connection.fetchval(counted, *query.values))
    if part.backward:
        order = order.reversed
    query.where(add_after_condition(query, part, order))
    statement = f"SELECT {columns} FROM {table} WHERE {query.condition} {order.clause} LIMIT {query.value(part.limit)}"
    return await connection.fetch(statement, *query.values), total, updates


async def fetch_pages(
    connection: DatabaseConnection,
    parents: str,
    parent_condition: str,
    table: str,
    columns: str,
    query: SqlQuery,
    part: KeysetPage[Any],
    order: SortOrder,
) -> dict[uuid.UUID, tuple[list[Row], int]]:
    """Return, for each parent, the rows to make the same page of its list, and the number of rows of its whole list.

    ``parents`` and ``table`` have tables with their aliases; ``query`` has the filter of a parent's list. The number
    is 0 where none is to be counted.
    """
    parent_id = f"{parents.rsplit(maxsplit=1)[-1]}.id"
    total = f"SELECT count(*) FROM {table} WHERE {query.condition}" if part.counts_total else "SELECT 0"
    if part.backward:
        order = order.reversed
    query.where(add_after_condition(query, part, order))
    # One query for all: the page's rows of each parent by an index, and the total.
    rows = await connection.fetch(
        f"""
        SELECT {parent_id} AS parent_id, counted.total AS list_total, found.*
        FROM {parents}
        CROSS JOIN LATERAL ({total}) AS counted (total)
        LEFT JOIN LATERAL (
            SELECT row_number() OVER ({order.clause}) AS list_place, {columns} FROM {table}
            WHERE {query.condition} {order.clause} LIMIT {query.value(part.limit)}
        ) AS found ON true
        WHERE {parent_condition}
        ORDER BY {parent_id}, found.list_place
        """,
        *query.values,
    )
    pages: dict[uuid.UUID, tuple[list[Row], int]] = {}
    for row in rows:
        found, _ = pages.setdefault(row["parent_id"], ([], row["list_total"]))
        if row["list_place"] is not None:
            found.append(row)
    return pages
