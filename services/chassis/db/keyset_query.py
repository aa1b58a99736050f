"""Keyset queries: the rows of a page in the order of its list, those after the page's cursor alone."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection, Pool, Row
from services.chassis.db.query import SqlQuery


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
) -> tuple[Sequence[Row], int | UnsetType]:
    """Return the rows to make a page of, and the number of rows of the whole list, for whoever may read all of them.

    ``query`` has the list's filter.
    """
    total: int | UnsetType = UNSET
    if part.counts_total:
        counted = f"SELECT count(*) FROM {table} WHERE {query.condition}"
        total = int(await connection.fetchval(counted, *query.values))
    if part.backward:
        order = order.reversed
    query.where(add_after_condition(query, part, order))
    statement = f"SELECT {columns} FROM {table} WHERE {query.condition} {order.clause} LIMIT {query.value(part.limit)}"
    return await connection.fetch(statement, *query.values), total
