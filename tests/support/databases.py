"""Databases of the tests: copies of a service's migrated template, emptied after a test for the next one.

To empty one takes a tenth of the processor time of a copy.
"""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import psycopg

from services.chassis.ids import new_uuid
from services.hosting import processes
from services.hosting.blueprint import Blueprint
from tests.support.servers import OWNER, RUNTIME, Servers, as_owner

_MOST_BYTES = 500_000
"""Size of a table above which its database is dropped, not emptied: its indexes and its statistics have grown, too."""

# A test may have changed more than rows: tables, columns, constraints, triggers, functions, privileges, settings.
_STRUCTURE = """
    SELECT md5(concat(
        (SELECT string_agg(concat(oid, relname, relacl, reloptions), ',' ORDER BY oid) FROM pg_class
         WHERE oid >= 16384 AND relkind <> 't'),
        (SELECT string_agg(concat(attrelid, attname, attnotnull, attacl), ',' ORDER BY attrelid, attnum)
         FROM pg_attribute WHERE attrelid >= 16384),
        (SELECT string_agg(concat(oid, tgenabled), ',' ORDER BY oid) FROM pg_trigger),
        (SELECT string_agg(oid::text, ',' ORDER BY oid) FROM pg_constraint WHERE oid >= 16384),
        (SELECT string_agg(concat(oid, proacl), ',' ORDER BY oid) FROM pg_proc WHERE oid >= 16384),
        (SELECT string_agg(concat(oid, nspacl), ',' ORDER BY oid) FROM pg_namespace WHERE nspname !~ '^pg_t'),
        (SELECT concat(datacl, datconnlimit) FROM pg_database WHERE datname = current_database()),
        (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase
         WHERE datname = current_database())
    ))
"""
_TABLES = """
    SELECT format('%I.%I', nspname, relname) AS name, pg_relation_size(c.oid) AS bytes
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema' AND relname !~ 'yoyo'
    AND pg_relation_size(c.oid) > 0
"""
_RESET_SEQUENCES = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
    WHERE last_value IS NOT NULL
"""
_END_SESSIONS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class _Database:
    """A copy, and what it was like before its first test. Its connection stays open: opening one costs as much."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("SET session_replication_role = replica")  # no triggers, no foreign keys
        self._structure = self._fetch(_STRUCTURE)
        self._rows = {table: self._read(table) for table, _ in self._fetch(_TABLES)}
        """The rows that the migrations have made, in the format of COPY."""

    def is_emptied(self) -> bool:
        """Empty the database; return whether it is as it was before its first test."""
        try:
            self._connection.execute(_END_SESSIONS)
            if self._fetch(_STRUCTURE) != self._structure:
                return False
            tables = self._fetch(_TABLES)
            if any(size > _MOST_BYTES for _, size in tables):
                return False
            deletions = "; ".join(f"DELETE FROM {table}" for table, _ in tables)
            self._connection.execute(f"{deletions}; {_RESET_SEQUENCES}".encode())
            for table, rows in self._rows.items():
                with self._connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                    copy.write(rows)
        except psycopg.OperationalError:  # the test has dropped it
            return False
        return True

    def close(self) -> None:
        self._connection.close()

    def _fetch(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query.encode()).fetchall()

    def _read(self, table: str) -> bytes:
        with self._connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
            return b"".join(copy)


class Databases:
    """The databases of one test process."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._admin = psycopg.connect(servers.database_url("postgres"), autocommit=True)
        self._free: dict[str, list[_Database]] = {}
        """Those that no test uses, by service. They end with the servers."""
        self._migrated: set[str] = set()

    @contextlib.contextmanager
    def lent(self, blueprint: Blueprint[Any, Any]) -> Iterator[str]:
        """Lend an empty, migrated database of a service; yield its name."""
        free = self._free.setdefault(blueprint.name, [])
        database = free.pop() if free else self._copy(blueprint)
        try:
            yield database.name
        finally:
            if database.is_emptied():
                free.append(database)
            else:
                database.close()
                self._execute(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")

    def close(self) -> None:
        """Close the connections, and forget the databases."""
        for database in itertools.chain(*self._free.values()):
            database.close()
        self._free.clear()
        self._admin.close()

    def _execute(self, statement: str) -> None:
        self._admin.execute(statement.encode())

    def _exists(self, catalog: str, column: str, name: str) -> bool:
        return bool(self._admin.execute(f"SELECT FROM {catalog} WHERE {column} = %s".encode(), [name]).fetchall())

    def _copy(self, blueprint: Blueprint[Any, Any]) -> _Database:
        template, name = self._template(blueprint), f"test_{new_uuid().hex}"
        self._execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY FILE_COPY")
        self._execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
        return _Database(name, self._servers.database_url(name))

    def _template(self, blueprint: Blueprint[Any, Any]) -> str:
        """Return a migrated database of this service to copy from; the first test process makes it."""
        name = f"template_{blueprint.name}"
        if name not in self._migrated:
            self._execute(f"SELECT pg_advisory_lock(hashtext('{name}'))")
            try:
                if not self._exists("pg_database", "datname", name):
                    self._make_roles()
                    self._execute(f"CREATE DATABASE {name}_new OWNER {OWNER}")
                    url = self._servers.runtime_url(f"{name}_new")
                    processes.migrate(blueprint, as_owner(url), url)
                    self._execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
            finally:
                self._execute(f"SELECT pg_advisory_unlock(hashtext('{name}'))")
            self._migrated.add(name)
        return name

    def _make_roles(self) -> None:
        with self._admin.transaction():
            self._execute("SELECT pg_advisory_xact_lock(hashtext('test_roles'))")
            for role in (OWNER, RUNTIME):
                if not self._exists("pg_roles", "rolname", role):
                    self._execute(f"CREATE ROLE {role} LOGIN PASSWORD '{self._servers.password}'")
