"""The users who reach a thing, in the copy of access."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.contracts.values import Id

_ACTIVE = "JOIN access.subjects s ON s.subject_id = g.subject_id AND s.active"
_OF_SITE = f"""
    SELECT DISTINCT g.subject_id FROM access.grants g {_ACTIVE} AND s.kind = 'USER'
    WHERE g.organisation_id = $1 AND (g.site_id IS NULL OR g.site_id = $2) AND (g.until IS NULL OR g.until >= $3)
    ORDER BY g.subject_id
"""
# Staff reach every organisation by a grant without one; customers, who have none, nothing without an organisation.
_REACHING = f"""
    SELECT DISTINCT g.subject_id FROM access.grants g {_ACTIVE} AND s.kind IN ('USER', 'STAFF')
    WHERE g.subject_id = ANY ($1) AND (g.until IS NULL OR g.until >= $4) AND (
        g.organisation_id IS NULL OR g.organisation_id = $2 AND (g.site_id IS NULL OR g.site_id = $3)
    )
    ORDER BY g.subject_id
"""


class PostgresMemberDirectory:
    """Implements ``usecases.ports.members.MemberDirectory``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def of_site(self, organisation_id: uuid.UUID, site_id: uuid.UUID | None, day: dt.date) -> Sequence[Id]:
        rows = await self._connection.fetch(_OF_SITE, organisation_id, site_id, day)
        return [row["subject_id"] for row in rows]

    async def reaching(
        self, user_ids: Collection[Id], organisation_id: uuid.UUID | None, site_id: uuid.UUID | None, day: dt.date
    ) -> Sequence[Id]:
        rows = await self._connection.fetch(_REACHING, list(user_ids), organisation_id, site_id, day)
        return [row["subject_id"] for row in rows]
