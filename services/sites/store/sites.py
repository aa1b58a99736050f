"""Sites, in SQL."""

import uuid
from collections.abc import Collection, Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.chassis.db.sort_keys import sort_key
from services.sites.domain.site import SiteFacts, SiteRecord

_SELECT = """
    SELECT id, version, site_number, organisation_id, street, postal_code, city, municipality, area, property_type,
           dwellings, billed_to, contact_name, contact_phone, contact_email FROM sites
"""
_LOCK_BY_NUMBER = f"{_SELECT} WHERE site_number = ANY ($1) ORDER BY id FOR UPDATE"
_AFTER = f"{_SELECT} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
SITE_COLUMNS = """
    id, version, site_number, organisation_id, street, postal_code, city, municipality, area, property_type, dwellings,
    billed_to, contact_name, contact_phone, contact_email, sort_address, sort_city
"""
_SAVE = f"""
    INSERT INTO sites ({SITE_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, organisation_id = excluded.organisation_id, street = excluded.street,
        postal_code = excluded.postal_code, city = excluded.city, municipality = excluded.municipality,
        area = excluded.area, property_type = excluded.property_type, dwellings = excluded.dwellings,
        billed_to = excluded.billed_to, contact_name = excluded.contact_name,
        contact_phone = excluded.contact_phone, contact_email = excluded.contact_email,
        sort_address = excluded.sort_address, sort_city = excluded.sort_city
"""


class PostgresSiteRepository:
    """Implements ``usecases.ports.sites.SiteRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def lock_by_number(self, numbers: Collection[str]) -> dict[str, SiteRecord]:
        rows = await self._connection.fetch(_LOCK_BY_NUMBER, list(numbers))
        return {row["site_number"]: _to_site(row) for row in rows}

    async def after(self, after: uuid.UUID, limit: int) -> list[SiteRecord]:
        return [_to_site(row) for row in await self._connection.fetch(_AFTER, after, limit)]

    async def save(self, sites: Sequence[SiteRecord]) -> None:
        await self._connection.executemany(_SAVE, [site_row(site) for site in sites])


def site_row(site: SiteRecord) -> tuple[object, ...]:
    """Return the values of a site's columns, in the order of ``SITE_COLUMNS``."""
    facts = site.facts
    return (
        site.id,
        site.version,
        *to_row(facts),
        sort_key(f"{facts.street} {facts.city}"),
        sort_key(f"{facts.city} {facts.street}"),
    )


def _to_site(row: Row) -> SiteRecord:
    return SiteRecord(id=row["id"], version=row["version"], facts=from_row(SiteFacts, row))
