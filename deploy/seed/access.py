"""The copies of access: written to identity's database, and copied from there to those of the other services."""

import io
from collections.abc import Iterable

from services.access import copy
from services.chassis.db.postgres import DatabaseConnection
from services.identity.domain.access import PartnerRecord, UserRecord
from services.identity.mapping.events import access_of

_TABLES = ("subjects", "grants")


async def state_access(identity: DatabaseConnection, subjects: Iterable[UserRecord | PartnerRecord]) -> list[str]:
    """Write subjects' access to identity's copy and return their ids."""
    accesses = [access_of(subject) for subject in subjects]
    for access in accesses:
        await copy.upsert_access(identity, access)
    return [access.subject_id for access in accesses]


async def copy_access(identity: DatabaseConnection, to: Iterable[DatabaseConnection], subject_ids: list[str]) -> None:
    """Copy the access of these subjects from identity to other services."""
    for table in _TABLES:
        rows = io.BytesIO()
        await identity.copy_from_query(
            f"SELECT * FROM access.{table} WHERE subject_id = ANY ($1)", subject_ids, output=rows, format="binary"
        )
        for connection in to:
            rows.seek(0)
            await connection.copy_to_table(table, schema_name="access", source=rows, format="binary")
