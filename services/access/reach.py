"""Queries for the rows that a caller reaches. They begin from the caller's grants ($1 caller, $2 day), not the table.

Each scope of the grants (everything, whole organisations, single sites) gives its first rows by an index of its own,
and the first of those are the page: the cost does not depend on the rows of others.
"""

from collections.abc import Sequence

import msgspec

from services.access.decision import GRANT_HOLDS_TODAY
from services.chassis.db.keyset_query import SortOrder

_SAMPLE = "SYSTEM (0.5) REPEATABLE (0)"
"""The sample that estimates a search: one row in 200, at most 500, the same ones each time."""
_MIN_SAMPLE_MATCHES = 5
"""A search with so many matches in the sample has many in the table: some 1,000 at least."""
_ROWS_SCANNED_PER_INDEX_MATCH = 8
"""Rows that are scanned in an order in the time (2 µs) of one match by the search's own index."""

_GRANTED = f"""
    SELECT g.organisation_id, g.site_id FROM access.grants g WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}
"""
# Rows that several grants cover are returned once: single sites only where no grant covers their organisation, and
# organisations only where no grant covers everything.
_REACH = """
    WITH granted AS MATERIALIZED ({granted}), everything AS MATERIALIZED (
        SELECT EXISTS (SELECT FROM granted WHERE organisation_id IS NULL) AS reached
    ), organisations AS MATERIALIZED (
        SELECT DISTINCT organisation_id FROM granted
        WHERE organisation_id IS NOT NULL AND site_id IS NULL AND NOT (SELECT reached FROM everything)
    ), known_organisations AS MATERIALIZED (
        SELECT DISTINCT organisation_id FROM granted
        WHERE organisation_id IS NOT NULL AND NOT (SELECT reached FROM everything)
    ), single_sites AS MATERIALIZED (
        SELECT DISTINCT organisation_id, site_id FROM granted
        WHERE site_id IS NOT NULL AND NOT (SELECT reached FROM everything)
          AND organisation_id NOT IN (SELECT organisation_id FROM organisations)
    )
"""


def _reach(organisations: str = "") -> str:
    """Return the scopes of the caller's grants; those within ``organisations`` alone, a list's placeholder."""
    if not organisations:
        return _REACH.format(granted=_GRANTED)
    granted = f"""
        {_GRANTED} AND g.organisation_id = ANY ({organisations})
        UNION ALL SELECT each, NULL FROM unnest({organisations}) AS each
        WHERE EXISTS ({_GRANTED} AND g.organisation_id IS NULL)
    """
    return _REACH.format(granted=granted)


class ScopedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose rows belong to organisations and their sites.

    It needs three indexes for each order of its lists: on an organisation's rows, on a site's, and on all. Each serves
    both directions. The last includes the signature of the column that the list is searched by.
    """

    name: str
    """The table with its alias."""
    organisation: str
    """The column of the organisation's id."""
    site: str | None
    """The column of the site's id; None for organisations, which are reached by any of their sites."""


class Restriction(msgspec.Struct, frozen=True):
    """The restriction of a list to the rows with one of some values in a column.

    The column has an index for each order of the list.
    """

    column: str
    values: Sequence[object]
    """Distinct values."""
    sql_type: str = "uuid"

    def condition(self, values: str) -> str:
        """The condition on a row, where ``values`` is the placeholder of the values."""
        return f"{self.column} = ANY ({values}::{self.sql_type}[])"


class SearchCondition(msgspec.Struct, frozen=True, kw_only=True):
    """A search condition on one column, which has an index of its own and a signature in those of the orders."""

    column: str
    index_condition: str
    """The condition in the form that the column's index serves."""
    signature_condition: str
    """A condition on the columns that the orders' indexes include; it is true for all matches and few other rows."""
    row_condition: str
    """The same condition in the form that is cheapest to check on a row."""

    @property
    def condition(self) -> str:
        """Both forms, for a statement that uses all of its parameters."""
        return f"{self.index_condition} AND {self.row_condition}"


def reached_page_query(
    table: ScopedTable,
    columns: str,
    order: SortOrder,
    limit: str,
    *,
    where: str = "true",
    after_condition: str = "true",
    organisations: str = "",
    search: SearchCondition | None = None,
) -> str:
    """Return the query for the first ``limit`` rows that the caller reaches, in an order.

    ``where`` is the list's filter, ``after_condition`` the condition of rows after a cursor. ``organisations`` is the
    placeholder of a list of organisations: rows of theirs alone.

    For callers that reach everything, a sample of the table estimates the matches of a search, and the rows before
    them. Many matches are scanned for in the order; few, or many after too many other rows, are found by the search's
    index and sorted.
    """
    same = " AND ".join(f"{key} = found.{name}" for key, name in zip(order.keys, order.aliased.keys, strict=True))
    everything = _first_by_search(table, order, limit, where, after_condition, search) if search else ""
    condition = f"{where} AND {search.row_condition}" if search else where
    rows = _reached_rows(table, order.columns, condition, after_condition, order.clause, f"LIMIT {limit}", everything)
    # Other columns are read for the rows of the page alone.
    return f"""
        {_reach(organisations)} SELECT {columns}
        FROM (SELECT * FROM ({rows}) AS each_scope {order.aliased.clause} LIMIT {limit}) AS found
        JOIN {table.name} ON {same} {order.clause}
    """


def restricted_page_query(
    table: ScopedTable,
    columns: str,
    order: SortOrder,
    limit: str,
    restriction: Restriction,
    values: str,
    *,
    where: str = "true",
    after_condition: str = "true",
) -> str:
    """Return the query for the first ``limit`` rows of a restricted list: those of each value by its index, merged.

    ``values`` is the placeholder of the restriction's values; ``where`` has the check that the caller reaches a row.
    """
    alias = table.name.split()[-1]
    same = " AND ".join(f"{key} = found.{name}" for key, name in zip(order.keys, order.aliased.keys, strict=True))
    # OFFSET 0 as in ``_reached_rows``.
    rows = (
        f"SELECT {alias}.* FROM {table.name} WHERE {restriction.column} = scope.value AND {after_condition}"
        f" {order.clause} OFFSET 0"
    )
    first = f"SELECT {order.columns} FROM ({rows}) AS {alias} WHERE {where} LIMIT {limit}"
    return f"""
        SELECT {columns}
        FROM (
            SELECT one.* FROM unnest({values}::{restriction.sql_type}[]) AS scope (value)
            CROSS JOIN LATERAL ({first}) AS one {order.aliased.clause} LIMIT {limit}
        ) AS found
        JOIN {table.name} ON {same} {order.clause}
    """


def reached_changes_query(table: ScopedTable, condition: str, where: str = "true") -> str:
    """Return the query for the keys of all rows that the caller reaches and that changed, by the index of the changes.

    ``condition`` is that on the column of the change.
    """
    alias = table.name.split()[-1]
    # The planner, which does not know how much has changed, would read the table; a limit that it can't see keeps it to
    # the index.
    in_order = f"ORDER BY {condition.split(maxsplit=1)[0]} LIMIT (SELECT {2**63 - 1})"
    rows = f"SELECT {alias}.* FROM {table.name} WHERE {condition} AND (SELECT reached FROM everything) {in_order}"
    everything = f"(SELECT {alias}.id FROM ({rows}) AS {alias} WHERE {where})"
    key = f"{alias}.id"
    return f"{_reach()} {_reached_rows(table, key, where, condition, everything=everything)}"


def reached_rows_query(table: ScopedTable, columns: str, *, where: str = "true", within: str = "true") -> str:
    """Return the query for all rows that the caller reaches, to be aggregated.

    ``within`` is a condition on the next column of each scope's index, such as a range of days.
    """
    return f"{_reach()} {_reached_rows(table, columns, where, within)}"


def reached_count_query(table: ScopedTable, where: str = "true") -> str:
    """Return the query for the number of rows that the caller reaches."""
    return f"{_reach()} SELECT count(*) FROM ({_reached_rows(table, '1', where)}) AS found"


def _first_by_search(
    table: ScopedTable, order: SortOrder, limit: str, where: str, after_condition: str, search: SearchCondition
) -> str:
    """Return the query for the first matches of a search, for callers that reach everything."""
    alias = table.name.split()[-1]
    named = ", ".join(order.aliased.keys)
    reached = "(SELECT reached FROM everything)"
    sampled = ", ".join(dict.fromkeys((*order.keys, search.column)))
    sample = f"SELECT {sampled} FROM {table.name} TABLESAMPLE {_SAMPLE} WHERE {after_condition} AND {reached} LIMIT 500"
    # A limit that the planner can't see: it expects that a tenth of the rows is read, and so follows the order's index.
    # For all rows a scan of the table with a sort can look cheaper.
    candidates = (
        f"SELECT {order.columns} FROM {table.name} WHERE {search.signature_condition} AND {after_condition}"
        f" AND (SELECT near FROM finds) {order.clause} LIMIT (SELECT {2**63 - 1})"
    )
    # OFFSET 0 keeps the planner from reading more rows of the table than are checked.
    checked = (
        f"SELECT FROM {table.name} WHERE {order.keys[-1]} = candidates.{order.aliased.keys[-1]}"
        f" AND {search.row_condition} AND {where} OFFSET 0"
    )
    # OFFSET 0 keeps the planner from using the order's index for the matches of the search's index.
    matches = f"SELECT {sampled} FROM {table.name} WHERE {search.index_condition} AND {where} AND {reached} OFFSET 0"
    return f"""(
        WITH sample AS MATERIALIZED (
                 SELECT {order.columns}, {search.row_condition} AS found FROM ({sample}) AS {alias}
             ),
             first AS MATERIALIZED (SELECT {named} FROM sample WHERE found {order.aliased.clause} LIMIT 1),
             finds AS MATERIALIZED (
                 SELECT count(*) FILTER (WHERE found) >= {_MIN_SAMPLE_MATCHES}
                        AND count(*) FILTER (WHERE ({named}) {order.precedes} (TABLE first))
                            <= {_ROWS_SCANNED_PER_INDEX_MATCH} * count(*) FILTER (WHERE found) AS near
                 FROM sample
             )
        (SELECT {named} FROM ({candidates}) AS candidates JOIN LATERAL ({checked}) AS checked ON true
         {order.aliased.clause} LIMIT {limit})
        UNION ALL
        (SELECT {order.columns} FROM ({matches}) AS {alias} WHERE {after_condition} AND NOT (SELECT near FROM finds)
         {order.clause} LIMIT {limit})
    )"""


def _reached_rows(
    table: ScopedTable,
    columns: str,
    where: str,
    after_condition: str = "true",
    order: str = "",
    limit: str = "",
    everything: str = "",
) -> str:
    """Return the query for everything (``everything``, if it is given), for organisations and for single sites."""
    alias = table.name.split()[-1]

    def of_scope(scope: str, in_scope: str, also: str = "true") -> str:
        # OFFSET 0 keeps the filter out of the scan of the scope's index: else the planner could use the filter's index,
        # which finds rows of others.
        rows = f"SELECT {alias}.* FROM {table.name} WHERE {in_scope} AND {after_condition} {order} OFFSET 0"
        first = f"SELECT {columns} FROM ({rows}) AS {alias} WHERE {also} AND {where} {limit}"
        return f"(SELECT one.* FROM {scope} scope CROSS JOIN LATERAL ({first}) AS one)"

    everything = everything or (
        f"(SELECT {columns} FROM {table.name} WHERE {where} AND {after_condition} AND (SELECT reached FROM everything)"
        f" {order} {limit})"
    )
    if table.site is None:
        known = of_scope("known_organisations", f"{table.organisation} = scope.organisation_id")
        return f"{everything} UNION ALL {known}"
    organisations = of_scope("organisations", f"{table.organisation} = scope.organisation_id")
    # A site that changed its owner has rows of the former organisation.
    of_organisation = f"{table.organisation} = scope.organisation_id"
    single_sites = of_scope("single_sites", f"{table.site} = scope.site_id", of_organisation)
    return f"{everything} UNION ALL {organisations} UNION ALL {single_sites}"
