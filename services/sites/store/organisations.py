"""The copy of organisations in PostgreSQL."""

import uuid
from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection

# A number that two organisations have had belongs to the newer one: ids sort by time.
_BY_NUMBER = "SELECT customer_number, id FROM organisations WHERE customer_number = ANY ($1) ORDER BY id FOR SHARE"
_UPSERT = """
    INSERT INTO organisations (id, customer_number, version) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET customer_number = excluded.customer_number, version = excluded.version,
        doubted = false
    WHERE organisations.version < excluded.version OR organisations.doubted
    RETURNING old.customer_number IS DISTINCT FROM new.customer_number
"""
# An update of a site makes its searched text again, which has the number.
_REFRESH_SEARCH = "UPDATE sites SET search = '' WHERE organisation_id = $1"


class PostgresOrganisationCopyRepository:
    """Implements ``usecases.ports.organisations.OrganisationCopyRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def ids_by_number(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        rows = await self._connection.fetch(_BY_NUMBER, list(numbers))
        return {row["customer_number"]: row["id"] for row in rows}

    async def upsert(self, organisation_id: uuid.UUID, customer_number: str, version: int) -> None:
        if await self._connection.fetchval(_UPSERT, organisation_id, customer_number, version):
            await self._connection.execute(_REFRESH_SEARCH, organisation_id)
