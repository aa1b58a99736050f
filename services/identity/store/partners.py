"""Partners with their secrets, in SQL."""

import datetime as dt
import uuid
from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.chassis.db.sort_keys import sort_key
from services.identity.domain.access import PartnerRecord

PARTNER_COLUMNS = "id, name, scopes, organisation_ids, all_organisations, active, version, sort_name"
_ADD = f"INSERT INTO partners ({PARTNER_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
_ADD_SECRET = "INSERT INTO partner_secrets (partner_id, digest, made_at) VALUES ($1, $2, $3)"  # noqa: S105
_SELECT = "SELECT id, name, scopes, organisation_ids, all_organisations, active, version FROM partners"
_BY_ID = f"{_SELECT} WHERE id = $1"
_BY_IDS = f"{_SELECT} WHERE id = ANY ($1)"
_LOCK_BY_ID = f"{_SELECT} WHERE id = $1 FOR UPDATE"
_AFTER = f"{_SELECT} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
_SECRETS = "SELECT digest FROM partner_secrets WHERE partner_id = $1"
_SAVE = """
    UPDATE partners SET name = $2, scopes = $3, organisation_ids = $4, all_organisations = $5, active = $6,
        version = $7, sort_name = $8
    WHERE id = $1
"""


class PostgresPartnerRepository:
    """Implements ``usecases.ports.partners.PartnerRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, partner: PartnerRecord, secret_digest: bytes, now: dt.datetime) -> None:
        await self._connection.execute(_ADD, *partner_row(partner))
        await self._connection.execute(_ADD_SECRET, partner.id, secret_digest, now)

    async def by_id(self, partner_id: uuid.UUID) -> PartnerRecord | None:
        return await self._fetch_one(_BY_ID, partner_id)

    async def by_ids(self, partner_ids: Sequence[uuid.UUID]) -> list[PartnerRecord]:
        """Return the partners with these ids, in any order. For queries."""
        return [to_partner(row) for row in await self._connection.fetch(_BY_IDS, partner_ids)]

    async def lock_by_id(self, partner_id: uuid.UUID) -> PartnerRecord | None:
        return await self._fetch_one(_LOCK_BY_ID, partner_id)

    async def after(self, after: uuid.UUID, limit: int) -> list[PartnerRecord]:
        return [to_partner(row) for row in await self._connection.fetch(_AFTER, after, limit)]

    async def secrets(self, partner_id: uuid.UUID) -> list[bytes]:
        return [row["digest"] for row in await self._connection.fetch(_SECRETS, partner_id)]

    async def save(self, partner: PartnerRecord) -> None:
        await self._connection.execute(_SAVE, *partner_row(partner))

    async def _fetch_one(self, query: str, partner_id: uuid.UUID) -> PartnerRecord | None:
        row = await self._connection.fetchrow(query, partner_id)
        return to_partner(row) if row else None


def partner_row(partner: PartnerRecord) -> tuple[object, ...]:
    """Return the values of a partner's columns, in the order of ``PARTNER_COLUMNS``."""
    return (*to_row(partner), sort_key(partner.name))


def to_partner(row: Row) -> PartnerRecord:
    """Return the partner of a row."""
    return from_row(PartnerRecord, row)
