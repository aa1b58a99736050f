"""PostgreSQL's plans of the queries that reads make, and the costs in them that grow with other customers' data."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
import msgspec
import psycopg

LARGE = {
    *("sites", "containers", "agreements", "orders", "pickups", "reports", "outbox", "volumes", "invoices", "tickets"),
    "ticket_entries",
    *("organisations", "users", "memberships", "grants", "subjects"),
}
"""Tables that grow with the number of customers."""

_KEY = re.compile(r"\b(\w*id|\w+_number|\w+_key|number|sequence) = |\borganisation_id IS NULL|\bsearch ~~ ")
"""Index conditions on the reach of the caller, or on the requested ids, keys or words."""

_STATE = re.compile(r"\bstate = ")
"""Index conditions on a requested state. Callers who reach all rows see every row of it."""

_CHANGE = re.compile(r"\b(changed|removed)_in >= ")
"""Index conditions on what has changed."""


SETTINGS = """
    SET enable_seqscan = off; SET enable_mergejoin = off; SET enable_hashjoin = off; SET enable_incremental_sort = off
"""
"""Settings that hinder plans for a few thousand rows which a million rows would not have."""


class SentQuery(msgspec.Struct, frozen=True):
    """A query as sent, with its values."""

    text: str
    values: Sequence[Any]


class QueryRecorder:
    """Recorder of the queries on connections."""

    def __init__(self) -> None:
        self.queries: list[SentQuery] = []

    @contextlib.contextmanager
    def recording(self, connection: Any) -> Iterator[None]:
        """Record the queries of this connection in the block."""
        connection.add_query_logger(self._record)
        try:
            yield
        finally:
            connection.remove_query_logger(self._record)

    def _record(self, query: Any) -> None:
        if query.query.lstrip().upper().startswith(("SELECT", "WITH")):
            self.queries.append(SentQuery(query.query, query.args))


class QueryPlanner:
    """Planner of one database's queries, on connections that stay open: a new one would read the catalogs again."""

    def __init__(self, connection: "asyncpg.Connection[Any]", generic: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self._generic = generic
        self._generic_plans: dict[str, dict[str, Any]] = {}

    @classmethod
    async def connect(cls, url: str) -> "QueryPlanner":
        """Connect to a database, with the settings for few rows."""
        connection = await asyncpg.connect(url)
        await connection.execute(SETTINGS)
        generic = psycopg.connect(url, autocommit=True)
        generic.execute(SETTINGS)
        return cls(connection, generic)

    async def close(self) -> None:
        await self._connection.close()
        self._generic.close()

    async def plan(self, query: SentQuery) -> dict[str, Any]:
        """Return the plan for these values."""
        return _plan(await self._connection.fetchval(f"EXPLAIN (FORMAT JSON) {query.text}", *query.values))

    def generic_plan(self, query: SentQuery) -> dict[str, Any]:
        """Return the generic plan, for any values: it is the same for each caller."""
        if query.text not in self._generic_plans:
            # psycopg sends a query without values as it is; asyncpg would want values for its parameters.
            explain = f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {query.text}"
            row = self._generic.execute(explain.encode()).fetchone()
            assert row is not None
            self._generic_plans[query.text] = _plan(msgspec.json.encode(row[0]).decode())
        return self._generic_plans[query.text]


def _plan(text: str) -> dict[str, Any]:
    plan: dict[str, Any] = msgspec.json.decode(text)[0]["Plan"]
    return plan


def growing_costs(plan: dict[str, Any], *, reaches_all: bool) -> list[str]:
    """List the costs in a plan that grow with other customers' data.

    ``reaches_all``: the caller's reads follow an index in order, up to their limit.
    """
    return list(_growing_costs(plan, in_order=False, filtered=False, not_executed=False, reaches_all=reaches_all))


def _growing_costs(
    node: dict[str, Any], *, in_order: bool, filtered: bool, not_executed: bool, reaches_all: bool
) -> Iterator[str]:
    kind = node["Node Type"]
    not_executed = not_executed or ("One-Time Filter" in node and not reaches_all)
    in_order = (in_order or kind == "Limit") and kind not in ("Sort", "Hash", "Aggregate")
    if node.get("Disabled") and not not_executed:
        yield f"{kind} on {node.get('Relation Name', '?')} is disabled"
    filtered = filtered or (kind == "Subquery Scan" and "Filter" in node)
    if not not_executed and node.get("Relation Name") in LARGE:
        condition = node.get("Index Cond", "")
        if kind == "Bitmap Heap Scan":
            condition = node.get("Recheck Cond", "")
        # Without a filter no more rows are read than the limit.
        is_ordered_scan = "Index" in kind or kind == "Sample Scan"
        # Rows that have changed since the reader's last look are the requested ones.
        is_change = reaches_all and _CHANGE.search(condition)
        is_requested = _KEY.search(condition) or (reaches_all and _STATE.search(condition))
        is_limited = in_order and is_ordered_scan and (reaches_all or "Filter" not in node)
        if not is_requested and not is_limited and not is_change:
            yield f"{kind} of {node['Relation Name']} by {node.get('Index Name')}: {condition or 'no condition'}"
        if reaches_all and filtered and kind == "Index Scan" and not is_requested and not is_change:
            yield f"{kind} of {node['Relation Name']} by {node.get('Index Name')}: reads rows to leave them out"
    for child in node.get("Plans", ()):
        yield from _growing_costs(
            child, in_order=in_order, filtered=filtered, not_executed=not_executed, reaches_all=reaches_all
        )
