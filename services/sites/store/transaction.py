"""A transaction on sites' own data: what the use cases' port asks for, in SQL."""

import uuid
from collections.abc import Collection, Sequence

from services.chassis.db.postgres import Row
from services.chassis.db.sort_keys import search_text, sort_key
from services.chassis.events.transaction import Transaction
from services.contracts.sites import Fraction, PropertyType
from services.sites.domain.site import ContainerFacts, ContainerRecord, SiteFacts, SiteRecord

_ORGANISATIONS = "SELECT customer_number, id FROM organisations WHERE customer_number = ANY ($1)"
_UPSERT_ORGANISATION = """
    INSERT INTO organisations (id, customer_number, version) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET customer_number = excluded.customer_number, version = excluded.version,
        doubted = false
    WHERE organisations.version < excluded.version OR organisations.doubted
"""
_SITE = """
    SELECT id, version, site_number, organisation_id, street, postal_code, city, municipality, area, property_type,
           dwellings, billed_to, contact_name, contact_phone, contact_email FROM sites
"""
_SITES = f"{_SITE} WHERE site_number = ANY ($1) ORDER BY id FOR UPDATE"
_SITES_AFTER = f"{_SITE} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
SITE_COLUMNS = """
    id, version, site_number, organisation_id, street, postal_code, city, municipality, area, property_type, dwellings,
    billed_to, contact_name, contact_phone, contact_email, sort_address, sort_city, search
"""
_SAVE_SITE = f"""
    INSERT INTO sites ({SITE_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, organisation_id = excluded.organisation_id, street = excluded.street,
        postal_code = excluded.postal_code, city = excluded.city, municipality = excluded.municipality,
        area = excluded.area, property_type = excluded.property_type, dwellings = excluded.dwellings,
        billed_to = excluded.billed_to, contact_name = excluded.contact_name,
        contact_phone = excluded.contact_phone, contact_email = excluded.contact_email,
        sort_address = excluded.sort_address, sort_city = excluded.sort_city, search = excluded.search
"""
_CONTAINER = """
    SELECT id, version, container_number, site_id, organisation_id, fraction, litres, count FROM containers
"""
_CONTAINERS = f"{_CONTAINER} WHERE container_number = ANY ($1) ORDER BY id FOR UPDATE"
_CONTAINERS_AFTER = f"{_CONTAINER} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
_SAVE_CONTAINER = """
    INSERT INTO containers (id, version, container_number, site_id, organisation_id, fraction, litres, count)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, site_id = excluded.site_id, organisation_id = excluded.organisation_id,
        fraction = excluded.fraction, litres = excluded.litres, count = excluded.count
"""


class SitesTransaction(Transaction):
    """Implements ``usecases.ports.SitesStore``."""

    async def organisations_by_customer_number(self, numbers: Collection[str]) -> dict[str, uuid.UUID]:
        rows = await self.connection.fetch(_ORGANISATIONS, list(numbers))
        return {row["customer_number"]: row["id"] for row in rows}

    async def upsert_organisation(self, organisation_id: uuid.UUID, customer_number: str, version: int) -> None:
        await self.connection.execute(_UPSERT_ORGANISATION, organisation_id, customer_number, version)

    async def sites_by_number(self, numbers: Collection[str]) -> dict[str, SiteRecord]:
        rows = await self.connection.fetch(_SITES, list(numbers))
        return {row["site_number"]: _to_site(row) for row in rows}

    async def sites_after(self, after: uuid.UUID, limit: int) -> list[SiteRecord]:
        return [_to_site(row) for row in await self.connection.fetch(_SITES_AFTER, after, limit)]

    async def save_sites(self, sites: Sequence[SiteRecord]) -> None:
        await self.connection.executemany(_SAVE_SITE, [site_row(site) for site in sites])

    async def containers_by_number(self, numbers: Collection[str]) -> dict[str, ContainerRecord]:
        rows = await self.connection.fetch(_CONTAINERS, list(numbers))
        return {row["container_number"]: _to_container(row) for row in rows}

    async def containers_after(self, after: uuid.UUID, limit: int) -> list[ContainerRecord]:
        return [_to_container(row) for row in await self.connection.fetch(_CONTAINERS_AFTER, after, limit)]

    async def save_containers(self, containers: Sequence[ContainerRecord]) -> None:
        await self.connection.executemany(
            _SAVE_CONTAINER,
            [
                (
                    container.id,
                    container.version,
                    container.facts.container_number,
                    container.facts.site_id,
                    container.organisation_id,
                    container.facts.fraction.value,
                    container.facts.litres,
                    container.facts.count,
                )
                for container in containers
            ],
        )


def _to_site(row: Row) -> SiteRecord:
    columns = dict(row)
    site_id, version = columns.pop("id"), columns.pop("version")
    columns["property_type"] = PropertyType(columns["property_type"])
    return SiteRecord(id=site_id, version=version, facts=SiteFacts(**columns))


def _to_container(row: Row) -> ContainerRecord:
    facts = ContainerFacts(
        container_number=row["container_number"],
        site_id=row["site_id"],
        fraction=Fraction(row["fraction"]),
        litres=row["litres"],
        count=row["count"],
    )
    return ContainerRecord(id=row["id"], version=row["version"], organisation_id=row["organisation_id"], facts=facts)


def site_row(site: SiteRecord) -> tuple[object, ...]:
    """Return the values of a site's columns, in the order of ``SITE_COLUMNS``."""
    facts = site.facts
    return (
        site.id,
        site.version,
        facts.site_number,
        facts.organisation_id,
        facts.street,
        facts.postal_code,
        facts.city,
        facts.municipality,
        facts.area,
        facts.property_type.value,
        facts.dwellings,
        facts.billed_to,
        facts.contact_name,
        facts.contact_phone,
        facts.contact_email,
        sort_key(f"{facts.street} {facts.city}"),
        sort_key(f"{facts.city} {facts.street}"),
        search_text(facts.street, facts.postal_code, facts.city, facts.site_number, facts.billed_to),
    )
