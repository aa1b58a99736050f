"""The copy of sites in PostgreSQL."""

from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import from_row, to_row
from services.orders.domain.agreement import SiteCopy

_UPSERT = """
    INSERT INTO sites (id, organisation_id, site_number, municipality, area, property_type, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET
        organisation_id = excluded.organisation_id, site_number = excluded.site_number,
        municipality = excluded.municipality, area = excluded.area, property_type = excluded.property_type,
        version = excluded.version, doubted = false
    WHERE sites.version < excluded.version OR sites.doubted
"""
_BY_NUMBER = """
    SELECT id, organisation_id, site_number, municipality, area, property_type, version
    FROM sites WHERE site_number = ANY ($1) AND version > 0
"""


class PostgresSiteCopyRepository:
    """Implements ``usecases.ports.sites.SiteCopyRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def upsert(self, site: SiteCopy) -> None:
        await self._connection.execute(_UPSERT, *to_row(site))

    async def by_number(self, numbers: Collection[str]) -> dict[str, SiteCopy]:
        rows = await self._connection.fetch(_BY_NUMBER, list(numbers))
        return {row["site_number"]: from_row(SiteCopy, row) for row in rows}
