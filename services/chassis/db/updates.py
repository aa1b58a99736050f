"""Changes of a list since an earlier look.

A row has the transaction that changed it last. A token has the oldest transaction that was under way at a look: all
before it were over, so the look saw what they did; whatever it did not see is by this one or a later one. The rows that
these changed are the changes since then, some of which the look may have seen already.
"""

import base64
import binascii
import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from services.chassis.db.paging import KeysetPage, Updates
from services.chassis.db.postgres import DatabaseConnection, Pool
from services.chassis.db.query import SqlQuery
from services.chassis.ids import write_id
from services.chassis.problems import MalformedInput, ReadAnew
from services.contracts.values import Id

MAX_AGE = dt.timedelta(days=90)
MAX_REMOVED = 10_000
"""Removed ids of an answer at most; after more the whole list is read."""

_VERSION = 1


class ListedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table with a list whose changes are known: it has the column ``changed_in`` and the triggers of the chassis."""

    list: str
    """The name of the list, as the triggers have it."""
    prefix: str
    """The prefix of the ids."""


class ListedRows(ListedTable, frozen=True, kw_only=True):
    """The rows of a list without scopes, or of one for each parent, whose changes are known."""

    rows: str
    """The table with its alias, joined with that of the parents."""
    id: str
    """The column of the id."""
    marks: Sequence[str]
    """The columns of the transactions that changed a node of the list last."""
    within: str = "true"
    """The condition on rows that are none of another list of the table."""
    removals: str = "true"
    """The condition on the removals (``r``) that are none of another list of the table."""


class _Token(msgspec.Struct, frozen=True, array_like=True):
    version: int
    generation: bytes
    filter: bytes
    access: bytes
    oldest: int
    at: dt.datetime

    def encoded(self) -> str:
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).decode().rstrip("=")


class Look(msgspec.Struct, frozen=True):
    """A look at a list, and what an earlier one has seen."""

    token: str
    since: int | None
    """The transaction from which on rows have changed since the earlier look; None without one."""


class Snapshot(msgspec.Struct, frozen=True):
    """The database at the beginning of a look, before its rows are read."""

    generation: bytes
    """A restored database has another one."""
    oldest: int
    """The oldest transaction that was under way."""
    at: dt.datetime
    access: str
    """The reader's access; empty for lists without scopes."""

    def look(self, part: KeysetPage[Any], *conditions: object) -> Look:
        """Return the look at a list. MalformedInput for a token of another list; ReadAnew for a useless one.

        ``conditions`` are what the list depends on beside its rows, its filter and the reader's access.
        """
        access = " ".join(map(str, (self.access, *conditions)))
        present = _Token(
            _VERSION,
            self.generation,
            part.filter_digest,
            hashlib.blake2b(access.encode(), digest_size=8).digest(),
            self.oldest,
            self.at,
        )
        if part.updated_after is None:
            return Look(present.encoded(), None)
        earlier = _read(part.updated_after)
        if earlier.filter != present.filter:
            raise MalformedInput("updatedAfter", reason="OTHER_LIST")
        same = (earlier.version, earlier.generation, earlier.access) == (
            present.version,
            present.generation,
            present.access,
        )
        if not same or earlier.at < present.at - MAX_AGE or earlier.oldest > present.oldest:
            raise ReadAnew
        return Look(present.encoded(), earlier.oldest)


async def fetch_snapshot(connection: DatabaseConnection | Pool, access: str = "''", *values: object) -> Snapshot:
    """Return the present snapshot. ``access`` is the SQL expression of the reader's access, with its ``values``."""
    row = await connection.fetchrow(
        f"""
        SELECT generation, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest, clock_timestamp() AS at,
               {access} AS access
        FROM chassis.leader WHERE only_row
        """,
        *values,
    )
    assert row is not None
    return Snapshot(row["generation"].bytes, row["oldest"], row["at"], row["access"])


async def fetch_removed(
    connection: DatabaseConnection | Pool, listed: ListedTable, changed: str, present: str, values: Sequence[object]
) -> list[Id]:
    """Return the ids of what has left a list since a look.

    ``changed`` is the query for the ids of all that may have left it, ``present`` the one that finds the row of such an
    id (``changed.id``) if it is in the list.
    """
    # OFFSET 0 keeps the look-up of each id from becoming a join with the whole table.
    rows = await connection.fetch(
        f"""
        SELECT DISTINCT changed.id FROM ({changed}) AS changed WHERE NOT EXISTS ({present} OFFSET 0)
        ORDER BY changed.id LIMIT {MAX_REMOVED + 1}
        """,
        *values,
    )
    if len(rows) > MAX_REMOVED:
        raise ReadAnew
    return [write_id(listed.prefix, row["id"]) for row in rows]


async def select_changes(
    connection: DatabaseConnection | Pool,
    listed: ListedRows,
    query: SqlQuery,
    parts: Sequence[KeysetPage[Any]],
    looks: Sequence[Look],
) -> list[Updates]:
    """Return what the same page of some lists says of changes; after an earlier look, restrict their query to these.

    A token is of one list, so that the pages after an earlier look are of one.
    """
    part, since = parts[0], looks[0].since
    removed: list[Id] = []
    if since is not None:
        matches = query.condition
        # A subquery hides the value from the planner, which would take the index of all changes where few are newer.
        since_value = f"(SELECT {query.value(since)}::bigint)"
        has_changed = f"({' OR '.join(f'{mark} >= {since_value}' for mark in listed.marks)})"
        if not part.has_start:
            changed = f"""
                SELECT {listed.id} FROM {listed.rows}
                WHERE {listed.within} AND {has_changed} AND ({matches}) IS NOT TRUE
                UNION ALL
                SELECT r.id FROM chassis.removals r
                WHERE r.list = '{listed.list}' AND r.removed_in >= {since_value} AND {listed.removals}
            """
            present = f"SELECT FROM {listed.rows} WHERE {listed.id} = changed.id AND {listed.within} AND {matches}"
            removed = await fetch_removed(connection, listed, changed, present, query.values)
        query.where(has_changed)
    return [Updates(look.token if part.makes_token else None, removed) for look in looks]


def _read(text: str) -> _Token:
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        token = msgspec.msgpack.decode(packed, type=_Token)
        valid = token.encoded() == text and token.at.tzinfo is not None and 0 <= token.oldest < 2**63
    except (binascii.Error, ValueError, OverflowError):
        valid = False
    if not valid:
        raise MalformedInput("updatedAfter", reason="OTHER_LIST")
    return token
