"""Changes of a list since an earlier look, within the reader's reach (``chassis.db.updates``)."""

import datetime as dt
from typing import Any

import msgspec

from services.access.caller import Caller
from services.access.decision import GRANT_HOLDS_TODAY, visible
from services.access.reach import ScopedTable, reached_changes_query
from services.chassis.db import updates
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.query import SqlQuery
from services.chassis.db.updates import ListedTable, Look, Snapshot
from services.contracts.values import Id

_REMOVALS = ScopedTable(name="chassis.removals r", organisation="r.organisation_id", site="r.site_id")
# Grants change with the version of the caller's access, and end by day.
_ACCESS = f"""
    concat_ws(' ', $1::text, $3::bigint,
              (SELECT count(*) FROM access.grants g WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}))
"""


class Reader(msgspec.Struct, frozen=True):
    """A reader of a list, whose changes are shown as far as the reader's access goes."""

    caller: Caller
    day: dt.date
    listed: ListedTable


async def fetch_snapshot(connection: DatabaseConnection, caller: Caller, day: dt.date) -> Snapshot:
    """Return the present snapshot for a reader, whose tokens it binds to the reader's access."""
    return await updates.fetch_snapshot(connection, _ACCESS, caller.subject_id, day, caller.access_version)


async def begin_look(connection: DatabaseConnection, reader: Reader, part: KeysetPage[Any]) -> Look:
    """Begin a look, before its rows are read. MalformedInput for a token of another list; ReadAnew for an old one."""
    return (await fetch_snapshot(connection, reader.caller, reader.day)).look(part)


async def fetch_removed(
    connection: DatabaseConnection,
    table: ScopedTable,
    listed: ListedTable,
    query: SqlQuery,
    since: str,
    matches: str,
) -> list[Id]:
    """Return the ids of what has left a list since a transaction: it changed, or went elsewhere, and is not in it now.

    ``since`` is the placeholder of the transaction, ``matches`` the condition that a row is in the list.
    """
    alias = table.name.split()[-1]
    changed = reached_changes_query(table, f"{alias}.changed_in >= {since}", f"({matches}) IS NOT TRUE")
    removed = reached_changes_query(_REMOVALS, f"r.removed_in >= {since}", f"r.list = '{listed.list}'")
    present = f"""
        SELECT FROM {table.name}
        WHERE {alias}.id = changed.id AND {visible(table.organisation, table.site)} AND {matches}
    """
    return await updates.fetch_removed(
        connection,
        listed,
        f"(SELECT * FROM ({changed}) AS changed_rows) UNION ALL (SELECT * FROM ({removed}) AS removed_rows)",
        present,
        query.values,
    )
