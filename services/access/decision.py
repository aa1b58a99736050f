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
_NEAR = 20_000
"""Rows of all that a search which finds many looks through, in the order, before it goes by its own index: 3 ms."""
_SAMPLE, _MANY = 1, 100
"""A search finds many if it finds one row in 100 of a sample: of 1 % of the table, but of no more than 1,000 rows."""

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
    by_search: bool = False,
) -> str:
    """Return the query for the first ``limit`` rows that the caller reaches, in an order.

    ``keys`` are the columns of the order and identify a row; ``where`` is the list's filter, ``behind`` the condition
    of rows behind a cursor. Each place that the caller reaches gives its first rows by its index, and the first of
    those are the page: however much others have, it is not looked at.

    ``by_search``: the filter has an index of its own, and the indexes of the orders include its column. For those who
    reach all, a sample tells whether it finds many rows, as the planner's statistics would. Many are soon found in the
    order; few, and many that lie far behind, are found by the filter's index and sorted.
    """
    names = [f"k{place}" for place in range(len(keys))]
    named = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
    same = " AND ".join(f"{key} = found.{name}" for key, name in zip(keys, names, strict=True))
    order, order_of_names = order_by(keys, descending), order_by(names, descending)
    everything = _first_by_search(table, named, where, behind, order, limit) if by_search else ""
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


def _first_by_search(table: Table, columns: str, where: str, behind: str, order: str, limit: str) -> str:
    """Return the query for the first rows that a search finds, for those who reach all."""
    alias = table.name.split()[-1]
    reached = "(SELECT reached FROM everything)"
    # The same pages each time: a search that is repeated takes the same way.
    sample = f"SELECT {alias}.* FROM {table.name} TABLESAMPLE SYSTEM ({_SAMPLE}) REPEATABLE (0) WHERE {reached}"
    many = "(SELECT found FROM many)"
    near = f"SELECT {alias}.* FROM {table.name} WHERE {behind} AND {reached} AND {many} {order} LIMIT {_NEAR}"
    far = f"SELECT {alias}.* FROM {table.name} WHERE {where} AND {reached} OFFSET 0"
    return f"""(
        WITH many AS MATERIALIZED (
                 SELECT count(*) FILTER (WHERE {where}) * {_MANY} >= count(*) AS found
                 FROM ({sample} LIMIT 1000) AS {alias}
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
