"""The copy of sites and containers."""

from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection
from services.orders.domain.agreement import ContainerCopy, SiteCopy
from services.orders.store.rows import from_row, to_row

_UPSERT_SITE = """
    INSERT INTO sites (id, organisation_id, site_number, municipality, area, property_type, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET
        organisation_id = excluded.organisation_id, site_number = excluded.site_number,
        municipality = excluded.municipality, area = excluded.area, property_type = excluded.property_type,
        version = excluded.version, doubted = false
    WHERE sites.version < excluded.version OR sites.doubted
"""
_INSERT_PLACEHOLDER_SITE = """
    INSERT INTO sites (id, organisation_id, site_number, municipality, area, property_type, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING
"""
_UPSERT_CONTAINER = """
    INSERT INTO containers (id, container_number, site_id, organisation_id, fraction, litres, count, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (id) DO UPDATE SET
        container_number = excluded.container_number, site_id = excluded.site_id,
        organisation_id = excluded.organisation_id, fraction = excluded.fraction, litres = excluded.litres,
        count = excluded.count, version = excluded.version, doubted = false
    WHERE containers.version < excluded.version OR containers.doubted
"""
_SITES = """
    SELECT id, organisation_id, site_number, municipality, area, property_type, version
    FROM sites WHERE site_number = ANY ($1) AND version > 0
"""
_CONTAINERS = """
    SELECT id, container_number, site_id, organisation_id, fraction, litres, count, version
    FROM containers WHERE container_number = ANY ($1) AND version > 0
"""


async def upsert_site(connection: DatabaseConnection, site: SiteCopy) -> None:
    """Take a site into the copy, unless the copy is as new already."""
    await connection.execute(_UPSERT_SITE, *to_row(site))


async def upsert_container(connection: DatabaseConnection, container: ContainerCopy) -> None:
    """Take a container into the copy, unless the copy is as new already; its site at least as a placeholder."""
    placeholder = SiteCopy(id=container.site_id, organisation_id=container.organisation_id)
    await connection.execute(_INSERT_PLACEHOLDER_SITE, *to_row(placeholder))
    await connection.execute(_UPSERT_CONTAINER, *to_row(container))


async def sites_by_number(connection: DatabaseConnection, numbers: Collection[str]) -> dict[str, SiteCopy]:
    """The sites with these numbers, without placeholders."""
    rows = await connection.fetch(_SITES, list(numbers))
    return {row["site_number"]: from_row(SiteCopy, row) for row in rows}


async def containers_by_number(connection: DatabaseConnection, numbers: Collection[str]) -> dict[str, ContainerCopy]:
    """The containers with these numbers, without placeholders."""
    rows = await connection.fetch(_CONTAINERS, list(numbers))
    return {row["container_number"]: from_row(ContainerCopy, row) for row in rows}
