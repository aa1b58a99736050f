"""The copy of sites in PostgreSQL."""

import uuid

from services.chassis.db.postgres import DatabaseConnection
from services.support.domain.ticket import SiteCopy

_UPSERT = """
    INSERT INTO sites (id, organisation_id, site_number, version) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO UPDATE
    SET organisation_id = excluded.organisation_id, site_number = excluded.site_number, version = excluded.version,
        doubted = false
    WHERE sites.version < excluded.version OR sites.doubted
"""
_BY_ID = "SELECT id, organisation_id, site_number FROM sites WHERE id = $1"


class PostgresSiteCopyRepository:
    """Implements ``usecases.ports.sites.SiteCopyRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def upsert(self, site: SiteCopy, version: int) -> None:
        await self._connection.execute(_UPSERT, site.id, site.organisation_id, site.site_number, version)

    async def by_id(self, site_id: uuid.UUID) -> SiteCopy | None:
        row = await self._connection.fetchrow(_BY_ID, site_id)
        return SiteCopy(**dict(row)) if row else None
