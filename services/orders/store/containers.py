"""The copy of containers in PostgreSQL."""

from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.rows import from_row, to_row
from services.orders.domain.agreement import ContainerCopy, SiteCopy

_INSERT_PLACEHOLDER_SITE = """
    INSERT INTO sites (id, organisation_id, site_number, municipality, area, property_type, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING
"""
_UPSERT = """
    INSERT INTO containers (id, container_number, site_id, organisation_id, fraction, litres, count, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (id) DO UPDATE SET
        container_number = excluded.container_number, site_id = excluded.site_id,
        organisation_id = excluded.organisation_id, fraction = excluded.fraction, litres = excluded.litres,
        count = excluded.count, version = excluded.version, doubted = false
    WHERE containers.version < excluded.version OR containers.doubted
"""
_BY_NUMBER = """
    SELECT id, container_number, site_id, organisation_id, fraction, litres, count, version
    FROM containers WHERE container_number = ANY ($1) AND version > 0
"""


class PostgresContainerCopyRepository:
    """Implements ``usecases.ports.containers.ContainerCopyRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def upsert(self, container: ContainerCopy) -> None:
        placeholder = SiteCopy(id=container.site_id, organisation_id=container.organisation_id)
        await self._connection.execute(_INSERT_PLACEHOLDER_SITE, *to_row(placeholder))
        await self._connection.execute(_UPSERT, *to_row(container))

    async def by_number(self, numbers: Collection[str]) -> dict[str, ContainerCopy]:
        rows = await self._connection.fetch(_BY_NUMBER, list(numbers))
        return {row["container_number"]: from_row(ContainerCopy, row) for row in rows}
