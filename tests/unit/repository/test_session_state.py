"""Tests of SQL: connections return to their pool as they are, so no setting may outlive its transaction."""

import re
from pathlib import Path

import pytest

from tests.support.servers import ROOT

SESSION_STATE = re.compile(
    r"pg_advisory_lock|pg_try_advisory_lock|set_config\([^)]*false"
    r"|(?<!DEFINER )\bSET\s+(SESSION|ROLE|TIME ZONE|search_path)"
    r"|CREATE\s+(GLOBAL\s+|LOCAL\s+)?TEMP|WITH HOLD|\bPREPARE\s+\w+\s+AS|^LISTEN\s|[\"']LISTEN\s",
    re.IGNORECASE,
)
OWN_CONNECTIONS = {ROOT / "services" / "chassis" / "events" / "copies" / "rebuild.py"}
"""Modules that hold a lock beyond a transaction, on a connection that is in no pool."""
SOURCES = [
    path for kind in ("py", "sql") for path in (ROOT / "services").rglob(f"*.{kind}") if path not in OWN_CONNECTIONS
]


def test_there_are_sources() -> None:
    assert len(SOURCES) > 150


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_nothing_is_set_for_a_session(source: Path) -> None:
    assert SESSION_STATE.findall(source.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_advisory_lock(1)",
        "set session characteristics as transaction read only",
        "SET ROLE other",
        "SELECT set_config('a.b', 'c', false)",
        "CREATE TEMP TABLE t (a int)",
        "CREATE TEMPORARY TABLE t (a int)",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "LISTEN outbox",
    ],
)
def test_session_state_is_found(query: str) -> None:
    assert SESSION_STATE.search(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_advisory_xact_lock(1)",
        "SET LOCAL lock_timeout = 1",
        "UPDATE t SET a = 1",
        "SECURITY DEFINER SET search_path = pg_catalog",
    ],
)
def test_transaction_state_is_allowed(query: str) -> None:
    assert not SESSION_STATE.search(query)
