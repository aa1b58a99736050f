"""The role of a service's processes in its database: it reads and writes rows, and owns nothing.

The owner's role migrates and erases. psycopg is imported late: only the migrating process needs it.
"""

from collections.abc import Mapping, Sequence

from services.chassis.runtime.settings import InvalidSettings

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
"""The privileges on every table that is no exception, also on those of later migrations."""

APPEND = ("SELECT", "INSERT")
"""The privileges on a table whose rows stay as they were written."""

EXCEPTIONS: Mapping[str, Sequence[str]] = {
    # An erasure deletes personal fields, as the owner.
    "chassis.audit": APPEND,
    "chassis.audit_batches": APPEND,
    "chassis.audit_personal": APPEND,
    # yoyo's own tables.
    "public._yoyo_log": (),
    "public._yoyo_migration": (),
    "public._yoyo_version": (),
    "public.yoyo_lock": (),
}
"""The privileges on other tables. A view has none: with its owner's rights it would lead around these."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('chassis.runtime_role'))"
_SCHEMAS = "SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
# A partition is reached by its table, and may be dropped meanwhile.
_TABLES = """
    SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND relkind IN ('r', 'p') AND NOT relispartition
"""


def exceptions(append_only: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the exceptions of a service with these tables that are only appended to."""
    return {**EXCEPTIONS, **dict.fromkeys(append_only, APPEND)}


def grant_privileges(owner_url: str, runtime_url: str, append_only: Sequence[str] = ()) -> None:
    """Grant the role of ``runtime_url`` its privileges on all that the owner has made, and no others.

    Raises InvalidSettings if it may act as the owner.
    """
    import psycopg

    with psycopg.connect(runtime_url) as connection:
        name, role = connection.execute("SELECT current_user, quote_ident(current_user)").fetchone() or ("", "")
    with psycopg.connect(owner_url) as connection:
        connection.execute(_LOCK)
        if connection.execute("SELECT pg_has_role(%s, current_user, 'MEMBER')", [name]).fetchone() == (True,):
            raise InvalidSettings(
                f"the role {name} of ..._DATABASE_URL may act as that of ..._OWNER_DATABASE_URL; give the processes a "
                "role of their own"
            )
        schemas = ", ".join(schema for (schema,) in connection.execute(_SCHEMAS))
        tables = {table for (table,) in connection.execute(_TABLES)}
        different = exceptions(append_only)
        statements = [
            f"GRANT USAGE ON SCHEMA {schemas} TO {role}",
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schemas} TO {role}",
            f"REVOKE ALL ON {', '.join(tables)} FROM {role}",
            f"GRANT {', '.join(PRIVILEGES)} ON {', '.join(tables - different.keys())} TO {role}",
        ]
        for table, privileges in different.items():
            if privileges:
                statements.append(f"GRANT {', '.join(privileges)} ON {table} TO {role}")
        connection.execute("; ".join(statements).encode())
