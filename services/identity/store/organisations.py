"""Organisations, in SQL."""

import uuid
from collections.abc import Collection, Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.chassis.db.sort_keys import sort_key
from services.identity.domain.organisation import OrganisationFacts, OrganisationRecord

_SELECT = "SELECT id, version, customer_number, name, kind, business_id FROM organisations"
_LOCK_BY_NUMBER = f"{_SELECT} WHERE customer_number = ANY ($1) ORDER BY id FOR UPDATE"
_BY_ID = f"{_SELECT} WHERE id = $1"
_LOCK = "SELECT FROM organisations WHERE id = $1 FOR NO KEY UPDATE"
_AFTER = f"{_SELECT} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
ORGANISATION_COLUMNS = "id, version, customer_number, name, kind, business_id, sort_name"
_SAVE = f"""
    INSERT INTO organisations ({ORGANISATION_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, name = excluded.name, kind = excluded.kind, business_id = excluded.business_id,
        sort_name = excluded.sort_name
"""
_UNKNOWN_IDS = """
    SELECT requested.id FROM unnest($1::uuid[]) AS requested (id)
    WHERE NOT EXISTS (SELECT 1 FROM organisations o WHERE o.id = requested.id)
"""


class PostgresOrganisationRepository:
    """Implements ``usecases.ports.organisations.OrganisationRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def lock_by_number(self, numbers: Collection[str]) -> dict[str, OrganisationRecord]:
        rows = await self._connection.fetch(_LOCK_BY_NUMBER, list(numbers))
        return {row["customer_number"]: _to_organisation(row) for row in rows}

    async def by_id(self, organisation_id: uuid.UUID) -> OrganisationRecord | None:
        row = await self._connection.fetchrow(_BY_ID, organisation_id)
        return _to_organisation(row) if row else None

    async def lock(self, organisation_id: uuid.UUID) -> None:
        await self._connection.execute(_LOCK, organisation_id)

    async def after(self, after: uuid.UUID, limit: int) -> list[OrganisationRecord]:
        return [_to_organisation(row) for row in await self._connection.fetch(_AFTER, after, limit)]

    async def save(self, organisations: Sequence[OrganisationRecord]) -> None:
        await self._connection.executemany(_SAVE, [organisation_row(organisation) for organisation in organisations])

    async def unknown_ids(self, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        return {row["id"] for row in await self._connection.fetch(_UNKNOWN_IDS, list(ids))}


def organisation_row(organisation: OrganisationRecord) -> tuple[object, ...]:
    """Return the values of an organisation's columns, in the order of ``ORGANISATION_COLUMNS``."""
    facts = organisation.facts
    return (organisation.id, organisation.version, *to_row(facts), sort_key(facts.name))


def _to_organisation(row: Row) -> OrganisationRecord:
    return OrganisationRecord(id=row["id"], version=row["version"], facts=from_row(OrganisationFacts, row))
