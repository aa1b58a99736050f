"""The copy of sites in PostgreSQL."""

import datetime as dt
import uuid

from services.access.reach import ScopedTable, reached_rows_query
from services.chassis.db.postgres import DatabaseConnection
from services.support.domain.ticket import SiteCopy

_UPSERT = """
    INSERT INTO sites (id, organisation_id, site_number, version) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO UPDATE
    SET organisation_id = excluded.organisation_id, site_number = excluded.site_number, version = excluded.version,
        doubted = false
    WHERE sites.version < excluded.version OR sites.doubted
"""
_TABLE = ScopedTable(name="sites s", organisation="s.organisation_id", site="s.id")
_BY_ID = "SELECT id, organisation_id, site_number FROM sites WHERE id = $1"
_REACHED = reached_rows_query(_TABLE, "s.id, s.organisation_id, s.site_number") + " LIMIT 2"


class PostgresSiteCopyRepository:
    """Implements ``usecases.ports.sites.SiteCopyRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def upsert(self, site: SiteCopy, version: int) -> None:
        await self._connection.execute(_UPSERT, site.id, site.organisation_id, site.site_number, version)

    async def by_id(self, site_id: uuid.UUID) -> SiteCopy | None:
        row = await self._connection.fetchrow(_BY_ID, site_id)
        return SiteCopy(**dict(row)) if row else None

    async def only_reached(self, subject_id: str, day: dt.date) -> SiteCopy | None:
        rows = await self._connection.fetch(_REACHED, subject_id, day)
        return SiteCopy(**dict(rows[0])) if len(rows) == 1 else None
