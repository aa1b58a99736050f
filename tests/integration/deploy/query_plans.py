"""How PostgreSQL would execute the queries that reads make, and what in its plans grows with other people's data."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
import msgspec
import psycopg

LARGE = {
    *("sites", "containers", "agreements", "orders", "pickups", "reports", "outbox", "volumes", "invoices", "tickets"),
    *("organisations", "users", "memberships", "grants", "subjects"),
}
"""Tables that grow with the number of customers."""

_KEY = re.compile(r"\b(\w*id|\w+_number|sequence) = |\borganisation_id IS NULL|\bsearch ~~ ")
"""In an index condition: what the caller reaches, or the ids, keys or words that are asked for."""


SETTINGS = """
    SET enable_seqscan = off; SET enable_mergejoin = off; SET enable_hashjoin = off; SET enable_incremental_sort = off
"""
"""A few thousand rows are soon read whole by a join, or sorted, where a million would not be."""


class SentQuery(msgspec.Struct, frozen=True):
    """A query as it was sent, with its values."""

    text: str
    values: Sequence[Any]


class QueryRecorder:
    """Records the queries that go over the connections of a pool."""

    def __init__(self) -> None:
        self.queries: list[SentQuery] = []

    @contextlib.contextmanager
    def recording(self, connection: Any) -> Iterator[None]:
        """Record what this connection sends in the block."""
        connection.add_query_logger(self._record)
        try:
            yield
        finally:
            connection.remove_query_logger(self._record)

    def _record(self, query: Any) -> None:
        if query.query.lstrip().upper().startswith(("SELECT", "WITH")):
            self.queries.append(SentQuery(query.query, query.args))


async def plan_of(connection: "asyncpg.Connection[Any]", query: SentQuery) -> dict[str, Any]:
    """Return the plan for these very values."""
    text = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {query.text}", *query.values)
    return _plan(text)


def generic_plan_of(url: str, query: SentQuery) -> dict[str, Any]:
    """Return the plan that is kept for any values."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SETTINGS)
        row = connection.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {query.text}".encode()).fetchone()
    assert row is not None
    return _plan(msgspec.json.encode(row[0]).decode())


def _plan(text: str) -> dict[str, Any]:
    plan: dict[str, Any] = msgspec.json.decode(text)[0]["Plan"]
    return plan


def complaints(plan: dict[str, Any], *, reaches_all: bool) -> list[str]:
    """Say what in a plan costs the more, the more others have.

    ``reaches_all``: the caller's reads go through an index in their order, as far as their limit.
    """
    return list(_complaints(plan, in_order=False, searched=False, never=False, reaches_all=reaches_all))


def _complaints(
    node: dict[str, Any], *, in_order: bool, searched: bool, never: bool, reaches_all: bool
) -> Iterator[str]:
    kind = node["Node Type"]
    never = never or ("One-Time Filter" in node and not reaches_all)
    in_order = (in_order or kind == "Limit") and kind not in ("Sort", "Hash", "Aggregate")
    if node.get("Disabled"):
        yield f"{kind} on {node.get('Relation Name', '?')} is disabled"
    searched = searched or (kind == "Subquery Scan" and "Filter" in node)
    if not never and node.get("Relation Name") in LARGE:
        condition = node.get("Index Cond", "")
        if kind == "Bitmap Heap Scan":
            condition = node.get("Recheck Cond", "")
        # Without a filter no more rows are looked at than the limit says.
        in_turn = "Index" in kind or kind == "Sample Scan"
        as_far_as_wanted = in_order and in_turn and (reaches_all or "Filter" not in node)
        if not _KEY.search(condition) and not as_far_as_wanted:
            yield f"{kind} of {node['Relation Name']} by {node.get('Index Name')}: {condition or 'no condition'}"
        if reaches_all and searched and kind == "Index Scan" and not _KEY.search(condition):
            yield f"{kind} of {node['Relation Name']} by {node.get('Index Name')}: reads rows to leave them out"
    for child in node.get("Plans", ()):
        yield from _complaints(child, in_order=in_order, searched=searched, never=never, reaches_all=reaches_all)
