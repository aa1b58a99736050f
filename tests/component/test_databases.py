"""The databases that tests lend to each other: as empty as a new one, or a new one."""

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from services.sites.app import SITES
from tests.support.databases import Databases
from tests.support.servers import RUNTIME, Servers

Connection = psycopg.Connection[tuple[object, ...]]

TABLES = """
    SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'S') AND nspname IN ('public', 'chassis') AND relname !~ 'yoyo'
"""


def content(connection: Connection) -> dict[object, list[tuple[object, ...]]]:
    """Return the rows of each table and sequence."""
    tables = [name for (name,) in connection.execute(TABLES)]
    return {name: connection.execute(f"SELECT row(t.*)::text FROM {name} AS t".encode()).fetchall() for name in tables}


@pytest.fixture
def databases(server_addresses: Servers) -> Iterator[Databases]:
    with contextlib.closing(Databases(server_addresses)) as databases:
        yield databases


@contextlib.contextmanager
def lent(databases: Databases, servers: Servers) -> Iterator[tuple[str, Connection]]:
    with databases.lent(SITES) as name, psycopg.connect(servers.database_url(name), autocommit=True) as connection:
        yield name, connection


def test_rows_and_sequences_are_as_in_a_new_database(databases: Databases, server_addresses: Servers) -> None:
    with lent(databases, server_addresses) as (first, connection):
        new = content(connection)
        connection.execute("UPDATE chassis.leader SET epoch = epoch + 1")
        connection.execute("SELECT nextval('chassis.fan_out_versions'), nextval('chassis.audit_positions')")
        connection.execute("INSERT INTO chassis.fan_outs VALUES ('areas', 'a', 1, gen_random_uuid())")
        assert content(connection) != new
    with lent(databases, server_addresses) as (second, connection):
        assert second == first
        assert content(connection) == new


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE words (word text)",
        "ALTER TABLE sites ADD word text",
        "ALTER TABLE sites ADD CHECK (site_number <> '52')",
        "ALTER TABLE chassis.audit DISABLE TRIGGER ALL",
        f"GRANT UPDATE ON chassis.audit TO {RUNTIME}",
        "ALTER TABLE sites SET (autovacuum_enabled = off)",
        "DROP FUNCTION chassis.create_inbox_partition",
        "INSERT INTO chassis.fan_outs SELECT 'areas', n::text, n, gen_random_uuid() FROM generate_series(1, 10000) n",
    ],
)
def test_one_that_is_not_as_it_was_is_dropped(databases: Databases, server_addresses: Servers, change: str) -> None:
    with lent(databases, server_addresses) as (first, connection):
        connection.execute(change.encode())
    with lent(databases, server_addresses) as (second, _):
        assert second != first


def test_one_that_was_dropped_is_replaced(databases: Databases, server_addresses: Servers) -> None:
    with (
        lent(databases, server_addresses) as (first, _),
        psycopg.connect(server_addresses.database_url("postgres"), autocommit=True) as admin,
    ):
        admin.execute(f"DROP DATABASE {first} WITH (FORCE)".encode())
    with lent(databases, server_addresses) as (second, _):
        assert second != first
