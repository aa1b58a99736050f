"""The role of a service's processes reads and writes rows, appends to the audit log, and does nothing else."""

from typing import Any

import asyncpg
import pytest

from services.chassis.db.postgres import Pool
from services.chassis.db.runtime_role import PRIVILEGES, exceptions
from services.chassis.runtime.settings import InvalidSettings
from services.hosting import processes
from services.hosting.blueprint import Blueprint
from services.identity.app import IDENTITY
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.support.fixtures import MakeDatabase, MakeHarness
from tests.support.owner import execute_as_owner
from tests.support.servers import OWNER, RUNTIME, as_owner

SERVICES: list[Blueprint[Any, Any]] = [IDENTITY, SITES, ORDERS, STATS, SUPPORT]
_OF_SERVICE = "nspname !~ '^pg_' AND nspname <> 'information_schema'"
_TABLES = f"""
    SELECT nspname || '.' || relname AS name, relkind = 'v' OR relispartition AS is_hidden, ARRAY(
        SELECT privilege FROM unnest(
            '{{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}}'::text[]
        ) AS privilege WHERE has_table_privilege(c.oid, privilege)
    ) AS granted
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {_OF_SERVICE} AND relkind IN ('r', 'p', 'v', 'm', 'f')
"""
_UNUSABLE_SEQUENCES = f"""
    SELECT nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {_OF_SERVICE} AND relkind = 'S'
        AND NOT (has_sequence_privilege(c.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT'))
"""
_WITH_OWNERS_RIGHTS = f"""
    SELECT proname, proconfig FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE {_OF_SERVICE} AND prosecdef
"""


async def differences(pool: Pool, blueprint: Blueprint[Any, Any]) -> list[str]:
    """Return how the privileges of a service's processes differ from those that are declared."""
    declared = exceptions(blueprint.append_only)
    tables = {row["name"]: row for row in await pool.fetch(_TABLES)}
    found = [f"{name} is declared, but there is no such table" for name in declared.keys() - tables.keys()]
    for name, row in tables.items():
        expected = () if row["is_hidden"] else declared.get(name, PRIVILEGES)
        if set(row["granted"]) != set(expected):
            found.append(f"{name} has {row['granted']} instead of {list(expected)}")
    found += [f"{row[0]} is no sequence to draw from" for row in await pool.fetch(_UNUSABLE_SEQUENCES)]
    return sorted(found)


@pytest.mark.parametrize("blueprint", SERVICES, ids=lambda one: one.name)
async def test_privileges_are_as_declared_and_few_functions_have_the_owners(
    blueprint: Blueprint[Any, Any], make_harness: MakeHarness[Any, Any]
) -> None:
    pool = (await make_harness(blueprint)).pool
    await pool.execute("SELECT chassis.create_inbox_partition('2026-03-04')")
    assert await pool.fetchval("SELECT current_user") == RUNTIME
    assert await differences(pool, blueprint) == []
    functions = {row["proname"]: row["proconfig"] for row in await pool.fetch(_WITH_OWNERS_RIGHTS)}
    fixed = ["search_path=pg_catalog, pg_temp"]
    assert functions == {"create_inbox_partition": fixed, "drop_inbox_partitions": fixed}


async def test_a_table_without_its_grants_is_found(make_harness: MakeHarness[Any, Any]) -> None:
    pool = (await make_harness(SUPPORT)).pool
    await execute_as_owner(
        pool,
        f"CREATE TABLE forgotten (id serial); GRANT UPDATE ON chassis.audit TO {RUNTIME}; "
        f"CREATE VIEW around AS SELECT * FROM chassis.audit; GRANT DELETE ON around TO {RUNTIME}",
    )
    assert await differences(pool, SUPPORT) == [
        "chassis.audit has ['SELECT', 'INSERT', 'UPDATE'] instead of ['SELECT', 'INSERT']",
        "public.around has ['DELETE'] instead of []",
        "public.forgotten has [] instead of ['SELECT', 'INSERT', 'UPDATE', 'DELETE']",
        "public.forgotten_id_seq is no sequence to draw from",
    ]


ENTRY = "(id, at, actor, action, subject) VALUES (gen_random_uuid(), now(), 'host', 'X', 'user_1')"
FORBIDDEN = [
    "UPDATE chassis.audit SET actor = 'user_2'",
    f"INSERT INTO chassis.audit {ENTRY} ON CONFLICT (id) DO UPDATE SET actor = 'user_2'",
    "DELETE FROM chassis.audit",
    "TRUNCATE chassis.audit CASCADE",
    "SELECT * FROM chassis.audit FOR UPDATE",
    "UPDATE audit SET actor = 'user_2'",
    f"INSERT INTO audit {ENTRY}",
    "UPDATE chassis.audit_batches SET digest = ''",
    "DELETE FROM chassis.audit_batches",
    "UPDATE chassis.audit_personal SET fields = '{}'",
    "DELETE FROM chassis.audit_personal",
    "UPDATE collected_audit SET actor = 'user_2'",
    "DELETE FROM collected_audit",
    "SELECT setval('chassis.audit_positions', 1)",
    "DELETE FROM _yoyo_migration",
    "TRUNCATE users CASCADE",
    "DROP TABLE chassis.audit CASCADE",
    "DROP TABLE chassis.inbox",
    "DROP FUNCTION chassis.create_inbox_partition",
    "ALTER TABLE chassis.audit DISABLE TRIGGER ALL",
    "ALTER TABLE chassis.audit ADD word text",
    "CREATE TRIGGER change BEFORE INSERT ON chassis.audit EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE nothing AS ON INSERT TO chassis.audit DO INSTEAD NOTHING",
    "CREATE INDEX ON chassis.audit (at)",
    "CREATE TABLE words (word text)",
    "CREATE TABLE chassis.words (word text)",
    "CREATE TABLE chassis.inbox_1 PARTITION OF chassis.inbox DEFAULT",
    "CREATE TEMPORARY TABLE words (word text)",
    "CREATE SCHEMA words",
    "CREATE FUNCTION words() RETURNS text LANGUAGE sql AS 'SELECT 1'",
    "SET session_replication_role = replica",
    f"SET ROLE {OWNER}",
    f"GRANT {OWNER} TO {RUNTIME}",
    f"ALTER TABLE chassis.audit OWNER TO {RUNTIME}",
    f"ALTER ROLE {OWNER} PASSWORD 'known'",
    f"CREATE ROLE other IN ROLE {OWNER}",
]


async def test_what_is_the_owners_is_refused(make_harness: MakeHarness[Any, Any]) -> None:
    pool = (await make_harness(IDENTITY)).pool
    await pool.execute(f"INSERT INTO chassis.audit {ENTRY}")
    allowed = []
    for statement in FORBIDDEN:
        try:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            continue
        allowed.append(statement)
    assert allowed == []


async def test_a_role_that_may_act_as_the_owner_is_refused(make_database: MakeDatabase) -> None:
    url = as_owner(await make_database(SUPPORT))
    with pytest.raises(InvalidSettings, match=OWNER):
        processes.migrate(SUPPORT, url, url)
