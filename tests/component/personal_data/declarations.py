"""The check of the declarations: every column of text or bytes is declared, as sensitive or as plain."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from services.access.sensitive import ACCESS_PLAIN
from services.chassis.db.postgres import Pool
from services.chassis.db.sensitive import PlainColumns
from services.chassis.db.sensitive_tables import CHASSIS_PLAIN
from services.hosting.blueprint import Blueprint
from services.identity.app import IDENTITY
from services.identity.store.sensitive import PLAIN as IDENTITY_PLAIN
from services.orders.app import ORDERS
from services.orders.store.sensitive import PLAIN as ORDERS_PLAIN
from services.sites.app import SITES
from services.sites.store.sensitive import PLAIN as SITES_PLAIN
from services.stats.app import STATS
from services.stats.store.sensitive import PLAIN as STATS_PLAIN
from services.support.app import SUPPORT
from services.support.store.sensitive import PLAIN as SUPPORT_PLAIN

PLAIN: Mapping[str, PlainColumns] = {
    "identity": IDENTITY_PLAIN,
    "sites": SITES_PLAIN,
    "orders": ORDERS_PLAIN,
    "stats": STATS_PLAIN,
    "support": SUPPORT_PLAIN,
}
SERVICES = (IDENTITY, SITES, ORDERS, STATS, SUPPORT)

# Types that hold no text. Any other may hold some, as those of an extension do.
_COLUMNS = """
    SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS table, a.attname AS column
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
        AND c.relname NOT LIKE '%yoyo%'
        AND a.atttypid::regtype::text NOT IN (
            'uuid', 'uuid[]', 'smallint', 'integer', 'bigint', 'boolean', 'date', 'timestamp with time zone'
        )
    ORDER BY 1, 2
"""


async def columns(pool: Pool) -> list[tuple[str, str]]:
    """Return every column of a service's database that may hold text, with its table."""
    return [(row["table"], row["column"]) for row in await pool.fetch(_COLUMNS)]


def plain_columns(service: str) -> set[tuple[str, str]]:
    """Return the columns that a service and the packages below it declare as plain."""
    return {
        (table, column)
        for declared in (PLAIN[service], CHASSIS_PLAIN, ACCESS_PLAIN)
        for table, names in declared.items()
        for column in names.split()
    }


def sensitive_columns(blueprint: Blueprint[Any, Any]) -> list[tuple[str, str]]:
    """Return the columns that a service and the chassis declare as sensitive."""
    return [(table.table, column) for table in blueprint.all_sensitive for column in table.columns]


async def problems(pool: Pool, blueprint: Blueprint[Any, Any]) -> list[str]:
    """Return each fault of a service's declarations."""
    return list(_problems(await columns(pool), blueprint))


def _problems(present: list[tuple[str, str]], blueprint: Blueprint[Any, Any]) -> Iterator[str]:
    declared = Counter([*plain_columns(blueprint.name), *sensitive_columns(blueprint)])
    for table, column in present:
        if (table, column) not in declared:
            yield f"{table}.{column} is declared neither as sensitive nor as plain"
    for (table, column), times in declared.items():
        if (table, column) not in present:
            yield f"{table}.{column} is declared, but there is no such column of text"
        if times > 1:
            yield f"{table}.{column} is declared {times} times"
    for sensitive in blueprint.all_sensitive:
        if bool(sensitive.persons) == bool(sensitive.kept_for):
            yield f"{sensitive.table}: either its rows are found by a person, or it is said how long they are kept"
        for column in set(sensitive.erased or ()) - set(sensitive.columns):
            yield f"{sensitive.table}.{column} is erased, but not declared"
