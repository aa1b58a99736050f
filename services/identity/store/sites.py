"""The copy of sites, in SQL."""

import uuid
from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection

_UPSERT = """
    INSERT INTO sites (id, organisation_id, version) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE
    SET organisation_id = excluded.organisation_id, version = excluded.version, doubted = false
    WHERE sites.version < excluded.version OR sites.doubted
"""
_OF_ORGANISATION = "SELECT id FROM sites WHERE id = ANY ($2) AND organisation_id = $1"


class PostgresSiteCopyRepository:
    """Implements ``usecases.ports.sites.SiteCopyRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def upsert(self, site_id: uuid.UUID, organisation_id: uuid.UUID, version: int) -> None:
        await self._connection.execute(_UPSERT, site_id, organisation_id, version)

    async def of_organisation(self, organisation_id: uuid.UUID, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        return {row["id"] for row in await self._connection.fetch(_OF_ORGANISATION, organisation_id, list(ids))}
