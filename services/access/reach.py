"""Queries for the rows that a caller reaches: they begin from the caller's grants ($1 caller, $2 day), not the table.

Each place that the caller reaches (all, whole organisations, single sites) gives its first rows by an index of its own,
and the first of those are the page: however much others have, it is not looked at.
"""

from collections.abc import Sequence

import msgspec

from services.access.decision import GRANT_HOLDS_TODAY

_SAMPLE = "SYSTEM (0.5) REPEATABLE (0)"
"""The rows by which a search is judged: one in 200, but no more than 500, the same ones each time."""
_MIN_SAMPLE_MATCHES = 5
"""A search finds many if it finds as many rows of the sample: of the table, some 1,000 at least."""
_ROWS_SCANNED_PER_INDEX_MATCH = 8
"""Rows that are looked through in an order in the time (2 µs) in which one is found by the search's own index."""

# What is reached by several grants is found once: single sites only where no grant covers their organisation, and
# organisations only where none covers all.
_REACH = f"""
    WITH granted AS MATERIALIZED (
        SELECT g.organisation_id, g.site_id FROM access.grants g WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}
    ), everything AS MATERIALIZED (
        SELECT EXISTS (SELECT FROM granted WHERE organisation_id IS NULL) AS reached
    ), organisations AS MATERIALIZED (
        SELECT DISTINCT organisation_id FROM granted
        WHERE organisation_id IS NOT NULL AND site_id IS NULL AND NOT (SELECT reached FROM everything)
    ), single_sites AS MATERIALIZED (
        SELECT DISTINCT organisation_id, site_id FROM granted
        WHERE site_id IS NOT NULL AND NOT (SELECT reached FROM everything)
          AND organisation_id NOT IN (SELECT organisation_id FROM organisations)
    )
"""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose rows belong to organisations and their sites: how a query names it and these two columns.

    It needs three indexes for each order of its lists: of an organisation's rows, of a site's, and of all. That of all
    includes what the list is searched by.
    """

    name: str
    organisation: str
    site: str


class SortOrder(msgspec.Struct, frozen=True):
    """The columns that rows are sorted by, all in one direction; the last identifies a row."""

    keys: Sequence[str]
    descending: bool = False

    @property
    def clause(self) -> str:
        """The clause that sorts by the columns."""
        direction = " DESC" if self.descending else ""
        return f"ORDER BY {', '.join(f'{key}{direction}' for key in self.keys)}"

    @property
    def before(self) -> str:
        """The operator between a row and one that it stands before."""
        return ">" if self.descending else "<"

    @property
    def behind(self) -> str:
        """The operator between a row and one that it stands behind."""
        return "<" if self.descending else ">"

    @property
    def columns(self) -> str:
        """The columns under the names that ``named`` sorts by."""
        return ", ".join(f"{key} AS {name}" for key, name in zip(self.keys, self.named.keys, strict=True))

    @property
    def named(self) -> "SortOrder":
        """The same order of rows whose columns have the names k0, k1 and so on."""
        return SortOrder([f"k{place}" for place in range(len(self.keys))], self.descending)


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """A condition on one column, which an index of the column's own serves and those of the orders include.

    ``by_index`` is written for the column's index, ``by_row`` so that a row is ruled out as quickly as can be.
    """

    column: str
    by_index: str
    by_row: str

    @property
    def condition(self) -> str:
        """Both forms, for a statement that uses all of its parameters."""
        return f"{self.by_index} AND {self.by_row}"


def page_of_reached(
    table: Table,
    columns: str,
    order: SortOrder,
    limit: str,
    *,
    where: str = "true",
    behind: str = "true",
    search: Search | None = None,
) -> str:
    """Return the query for the first ``limit`` rows that the caller reaches, in an order.

    ``where`` is the list's filter, ``behind`` the condition of rows behind a cursor.

    For those who reach all, a sample of the table tells how many rows a search finds, and how many stand before them.
    Many are looked for in the order; few, and many behind too many others, are found by the search's index and sorted.
    """
    same = " AND ".join(f"{key} = found.{name}" for key, name in zip(order.keys, order.named.keys, strict=True))
    everything = _first_by_search(table, order, limit, where, behind, search) if search else ""
    condition = f"{where} AND {search.by_row}" if search else where
    found = _reached_rows(table, order.columns, condition, behind, order.clause, f"LIMIT {limit}", everything)
    # Columns are read for the rows of the page alone.
    return f"""
        {_REACH} SELECT {columns}
        FROM (SELECT * FROM ({found}) AS each_place {order.named.clause} LIMIT {limit}) AS found
        JOIN {table.name} ON {same} {order.clause}
    """


def rows_of_reached(table: Table, columns: str, *, where: str = "true", within: str = "true") -> str:
    """Return the query for all rows that the caller reaches, to be added up.

    ``within`` is a condition that each place's index goes on with, such as a span of days.
    """
    return f"{_REACH} {_reached_rows(table, columns, where, within)}"


def count_of_reached(table: Table, where: str = "true") -> str:
    """Return the query for the number of rows that the caller reaches."""
    return f"{_REACH} SELECT count(*) FROM ({_reached_rows(table, '1', where)}) AS found"


def _first_by_search(table: Table, order: SortOrder, limit: str, where: str, behind: str, search: Search) -> str:
    """Return the query for the first rows that a search finds, for those who reach all."""
    alias = table.name.split()[-1]
    named = ", ".join(order.named.keys)
    reached = "(SELECT reached FROM everything)"
    sampled = ", ".join(dict.fromkeys((*order.keys, search.column)))
    sample = f"SELECT {sampled} FROM {table.name} TABLESAMPLE {_SAMPLE} WHERE {behind} AND {reached} LIMIT 500"
    # OFFSET 0 keeps the order's index out of the rows that the search's index finds.
    far = f"SELECT {sampled} FROM {table.name} WHERE {search.by_index} AND {where} AND {reached} OFFSET 0"
    return f"""(
        WITH sample AS MATERIALIZED (SELECT {order.columns}, {search.by_row} AS found FROM ({sample}) AS {alias}),
             first AS MATERIALIZED (SELECT {named} FROM sample WHERE found {order.named.clause} LIMIT 1),
             finds AS MATERIALIZED (
                 SELECT count(*) FILTER (WHERE found) >= {_MIN_SAMPLE_MATCHES}
                        AND count(*) FILTER (WHERE ({named}) {order.before} (TABLE first))
                            <= {_ROWS_SCANNED_PER_INDEX_MATCH} * count(*) FILTER (WHERE found) AS near
                 FROM sample
             )
        (SELECT {order.columns} FROM {table.name}
         WHERE {search.by_row} AND {where} AND {behind} AND (SELECT near FROM finds) {order.clause} LIMIT {limit})
        UNION ALL
        (SELECT {order.columns} FROM ({far}) AS {alias} WHERE {behind} AND NOT (SELECT near FROM finds)
         {order.clause} LIMIT {limit})
    )"""


def _reached_rows(
    table: Table,
    columns: str,
    where: str,
    behind: str = "true",
    order: str = "",
    limit: str = "",
    everything: str = "",
) -> str:
    """Return the query for those who reach all (``everything``, if it is given), for organisations and for sites."""
    alias = table.name.split()[-1]

    def of_places(places: str, place: str, also: str = "true") -> str:
        # OFFSET 0 keeps the filter out of what the place's index finds: else that of the filter could be used, which
        # finds what others have.
        rows = f"SELECT {alias}.* FROM {table.name} WHERE {place} AND {behind} {order} OFFSET 0"
        first = f"SELECT {columns} FROM ({rows}) AS {alias} WHERE {also} AND {where} {limit}"
        return f"(SELECT one.* FROM {places} place CROSS JOIN LATERAL ({first}) AS one)"

    everything = everything or (
        f"(SELECT {columns} FROM {table.name} WHERE {where} AND {behind} AND (SELECT reached FROM everything)"
        f" {order} {limit})"
    )
    organisations = of_places("organisations", f"{table.organisation} = place.organisation_id")
    # A site that has changed hands has rows of its former owner's.
    mine = f"{table.organisation} = place.organisation_id"
    single_sites = of_places("single_sites", f"{table.site} = place.site_id", mine)
    return f"{everything} UNION ALL {organisations} UNION ALL {single_sites}"
