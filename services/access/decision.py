"""The decision: what of organisations and their sites a caller reaches today.

Reads begin from the caller's grants ($1 caller, $2 day), never from the table: ``page_of_reached`` and
``count_of_reached`` make the queries of lists, ``visible`` is the condition on rows that were found by their ids.
Commands ask ``grant`` in their transaction. Nothing is kept in memory.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec

from services.access.caller import Caller
from services.chassis.postgres import Connection
from services.contracts.identity import Role

_TODAY = "(g.until IS NULL OR g.until >= $2)"
_GRANT = f"""
    SELECT (array_agg(role ORDER BY array_position(ARRAY['ADMIN', 'EDITOR', 'VIEWER'], role)))[1] AS role,
           bool_or(billing) AS billing, count(*) AS grants
    FROM access.grants g
    WHERE g.subject_id = $1 AND {_TODAY}
      AND (g.organisation_id IS NULL OR g.organisation_id = $3)
      AND ($4::uuid IS NULL OR g.site_id IS NULL OR g.site_id = $4)
"""
_ORGANISATIONS = f"SELECT DISTINCT organisation_id FROM access.grants g WHERE g.subject_id = $1 AND {_TODAY}"

_CHANGING = (Role.ADMIN, Role.EDITOR)
_SAMPLE = "SYSTEM (0.5) REPEATABLE (0)"
"""The rows by which a search is judged: one in 200, but no more than 500, the same ones each time."""
_MANY = 5
"""A search finds many if it finds as many rows of the sample: of the table, some 1,000 at least."""
_ROWS_A_FIND = 8
"""Rows that are looked through in an order in the time (2 µs) in which one is found by the search's own index."""
_NEAR = 100_000
"""Rows that are looked through in an order at most, where the sample was wrong: 20 ms."""

# What is reached by several grants is found once: single sites only where no grant covers their organisation, and
# organisations only where none covers all.
_REACH = f"""
    WITH granted AS MATERIALIZED (
        SELECT g.organisation_id, g.site_id FROM access.grants g WHERE g.subject_id = $1 AND {_TODAY}
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


class Grant(msgspec.Struct, frozen=True):
    """What a caller may do at one place. ``role`` is None for partners: their scopes decided already."""

    role: Role | None
    billing: bool

    @property
    def may_change(self) -> bool:
        """Whether orders and changes are allowed, not just reading."""
        return self.role in _CHANGING


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose rows belong to organisations and their sites: how a query names it and these two columns.

    It needs three indexes for each order of its lists: of an organisation's rows, of a site's, and of all. That of all
    includes what the list is searched by.
    """

    name: str
    organisation: str
    site: str


def visible(organisation: str, site: str | None = None, also: str = "") -> str:
    """Return the condition that the caller reaches, on the day, the row with these columns.

    For rows that are found by their ids: each is held against the grants by their index. ``also`` is a further
    condition on the grant (``g``).
    """
    base = f"SELECT FROM access.grants g WHERE g.subject_id = $1 AND {_TODAY}{also}"
    of_organisation = f"{base} AND g.organisation_id = {organisation}"
    conditions = [f"{base} AND g.organisation_id IS NULL"]
    if site is None:
        conditions.append(of_organisation)
    else:
        conditions += [f"{of_organisation} AND g.site_id IS NULL", f"{of_organisation} AND g.site_id = {site}"]
    return f"({' OR '.join(f'EXISTS ({one})' for one in conditions)})"


def billing(organisation: str, site: str) -> str:
    """Return the condition that the caller may, on the day, see prices of the row with these columns."""
    return visible(organisation, site, also=" AND g.billing")


def page_of_reached(
    table: Table,
    columns: str,
    *,
    keys: Sequence[str],
    descending: bool,
    limit: str,
    where: str = "true",
    behind: str = "true",
    searched: str = "",
) -> str:
    """Return the query for the first ``limit`` rows that the caller reaches, in an order.

    ``keys`` are the columns of the order and identify a row; ``where`` is the list's filter, ``behind`` the condition
    of rows behind a cursor. Each place that the caller reaches gives its first rows by its index, and the first of
    those are the page: however much others have, it is not looked at.

    ``searched``: the column that the filter is about, which has an index of its own and is included in those of the
    orders. For those who reach all, a sample tells how many rows it finds, and how many stand before them. Many are
    looked for in the order; few, and many behind too many others, are found by the filter's index and sorted.
    """
    names = [f"k{place}" for place in range(len(keys))]
    named = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
    same = " AND ".join(f"{key} = found.{name}" for key, name in zip(keys, names, strict=True))
    order, order_of_names = order_by(keys, descending), order_by(names, descending)
    everything = _first_by_search(table, keys, names, descending, searched, where, behind, limit) if searched else ""
    found = _reached_rows(table, named, where, behind, order, f"LIMIT {limit}", everything)
    # Columns are read for the rows of the page alone.
    return f"""
        {_REACH} SELECT {columns} FROM (SELECT * FROM ({found}) AS each_place {order_of_names} LIMIT {limit}) AS found
        JOIN {table.name} ON {same} {order}
    """


def order_by(keys: Sequence[str], descending: bool) -> str:
    """Return the clause that sorts by these columns, all in one direction."""
    direction = " DESC" if descending else ""
    return f"ORDER BY {', '.join(f'{key}{direction}' for key in keys)}"


def rows_of_reached(table: Table, columns: str, *, where: str = "true", within: str = "true") -> str:
    """Return the query for all rows that the caller reaches, to be added up.

    ``within`` is a condition that each place's index goes on with, such as a span of days.
    """
    return f"{_REACH} {_reached_rows(table, columns, where, within)}"


def count_of_reached(table: Table, where: str = "true") -> str:
    """Return the query for the number of rows that the caller reaches."""
    return f"{_REACH} SELECT count(*) FROM ({_reached_rows(table, '1', where)}) AS found"


def _first_by_search(
    table: Table,
    keys: Sequence[str],
    names: Sequence[str],
    descending: bool,
    searched: str,
    where: str,
    behind: str,
    limit: str,
) -> str:
    """Return the query for the first rows that a search finds, for those who reach all."""
    alias = table.name.split()[-1]
    columns = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
    order, order_of_names = order_by(keys, descending), order_by(names, descending)
    before = ">" if descending else "<"
    named = ", ".join(names)
    reached = "(SELECT reached FROM everything)"
    row = ", ".join(dict.fromkeys((*keys, searched)))
    sample = f"SELECT {row} FROM {table.name} TABLESAMPLE {_SAMPLE} WHERE {behind} AND {reached} LIMIT 500"
    near = f"SELECT {row} FROM {table.name} WHERE {behind} {order} LIMIT (SELECT near FROM finds)"
    far = f"SELECT {row} FROM {table.name} WHERE {where} AND {reached} OFFSET 0"
    return f"""(
        WITH sample AS MATERIALIZED (SELECT {columns}, {where} AS found FROM ({sample}) AS {alias}),
             first AS MATERIALIZED (SELECT {named} FROM sample WHERE found {order_of_names} LIMIT 1),
             finds AS MATERIALIZED (
                 SELECT CASE WHEN count(*) FILTER (WHERE found) >= {_MANY}
                                  AND count(*) FILTER (WHERE ({named}) {before} (TABLE first))
                                      <= {_ROWS_A_FIND} * count(*) FILTER (WHERE found)
                             THEN {_NEAR} ELSE 0 END AS near
                 FROM sample
             ),
             nearby AS MATERIALIZED (SELECT {columns} FROM ({near}) AS {alias} WHERE {where} LIMIT {limit}),
             enough AS MATERIALIZED (SELECT count(*) >= {limit} AS found FROM nearby)
        (SELECT * FROM nearby WHERE (SELECT found FROM enough))
        UNION ALL
        (SELECT {columns} FROM ({far}) AS {alias} WHERE {behind} AND NOT (SELECT found FROM enough)
         {order} LIMIT {limit})
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


async def grant(
    connection: Connection, caller: Caller, day: dt.date, organisation: uuid.UUID, site: uuid.UUID | None = None
) -> Grant | None:
    """What all the caller's grants come to for an organisation (and one of its sites); None if it is out of reach."""
    row = await connection.fetchrow(_GRANT, caller.subject_id, day, organisation, site)
    if row is None or not row["grants"]:
        return None
    return Grant(Role(row["role"]) if row["role"] else None, row["billing"])


async def organisations(connection: Connection, caller: Caller, day: dt.date) -> list[uuid.UUID] | None:
    """Every organisation that the caller reaches with all or some sites; None is all."""
    rows = await connection.fetch(_ORGANISATIONS, caller.subject_id, day)
    found = [row["organisation_id"] for row in rows]
    return None if None in found else found
