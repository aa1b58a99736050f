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

from services.access.caller import Caller
from services.access.decision import GRANT_HOLDS_TODAY, visible
from services.access.reach import ScopedTable, reached_changes_query
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.query import SqlQuery
from services.chassis.ids import write_id
from services.chassis.problems import MalformedInput, ReadAnew
from services.contracts.values import Id

MAX_AGE = dt.timedelta(days=90)
MAX_REMOVED = 10_000
"""Removed ids of an answer at most; after more the whole list is read."""

_VERSION = 1
_REMOVALS = ScopedTable(name="chassis.removals r", organisation="r.organisation_id", site="r.site_id")
_PRESENT = f"""
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest, generation, clock_timestamp() AS now,
           (SELECT count(*) FROM access.grants g WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}) AS grants
    FROM chassis.leader WHERE only_row
"""


class ListedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table with a list whose changes are known: it has the column ``changed_in`` and the triggers of the chassis."""

    list: str
    """The name of the list, as the triggers have it."""
    prefix: str
    """The prefix of the ids."""


class Reader(msgspec.Struct, frozen=True):
    """A reader of a list, whose changes are shown as far as the reader's access goes."""

    caller: Caller
    day: dt.date
    listed: ListedTable


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


async def begin_look(connection: DatabaseConnection, reader: Reader, part: KeysetPage[Any]) -> Look:
    """Begin a look, before its rows are read. MalformedInput for a token of another list; ReadAnew for a useless one.

    A restored database has another generation. Grants change with the version of the caller's access, and end by day.
    """
    caller = reader.caller
    row = await connection.fetchrow(_PRESENT, caller.subject_id, reader.day)
    assert row is not None
    access = f"{caller.subject_id} {caller.access_version} {row['grants']}".encode()
    present = _Token(
        _VERSION,
        row["generation"].bytes,
        part.filter_digest,
        hashlib.blake2b(access, digest_size=8).digest(),
        row["oldest"],
        row["now"],
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
    # OFFSET 0 keeps the look-up of each id from becoming a join with the whole table.
    changed = reached_changes_query(table, f"{alias}.changed_in >= {since}", f"({matches}) IS NOT TRUE")
    removed = reached_changes_query(_REMOVALS, f"r.removed_in >= {since}", f"r.list = '{listed.list}'")
    rows: Sequence[Any] = await connection.fetch(
        f"""
        SELECT DISTINCT gone.id
        FROM ((SELECT * FROM ({changed}) AS changed) UNION ALL (SELECT * FROM ({removed}) AS removed)) AS gone
        WHERE NOT EXISTS (
            SELECT FROM {table.name} WHERE {alias}.id = gone.id AND {visible(table.organisation, table.site)}
            AND {matches} OFFSET 0
        )
        ORDER BY gone.id LIMIT {MAX_REMOVED + 1}
        """,
        *query.values,
    )
    if len(rows) > MAX_REMOVED:
        raise ReadAnew
    return [write_id(listed.prefix, row["id"]) for row in rows]
