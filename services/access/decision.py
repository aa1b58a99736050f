"""The decision: the organisations and sites that a caller reaches today.

``visible`` is the condition on rows that are found by their ids ($1 caller, $2 day); lists begin from the caller's
grants (``reach``). Commands use ``PostgresAccessDecisions`` in their transaction. Nothing is kept in memory.
"""

import datetime as dt
import uuid

import msgspec

from services.access.caller import Caller
from services.chassis.db.postgres import DatabaseConnection
from services.contracts.identity import Role

GRANT_HOLDS_TODAY = "(g.until IS NULL OR g.until >= $2)"
"""The condition that a grant (``g``) holds on the day."""

_EFFECTIVE_PERMISSIONS = f"""
    SELECT (array_agg(role ORDER BY array_position(ARRAY['ADMIN', 'EDITOR', 'VIEWER'], role)))[1] AS role,
           bool_or(billing) AS billing, count(*) AS grants
    FROM access.grants g
    WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}
      AND (g.organisation_id IS NULL OR g.organisation_id = $3)
      AND ($4::uuid IS NULL OR g.site_id IS NULL OR g.site_id = $4)
"""
_COVERS_SITE = f"""
    SELECT EXISTS (SELECT 1 FROM access.grants g
                   WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY} AND (g.site_id IS NULL OR g.site_id = $3))
"""
_ORGANISATIONS = f"SELECT DISTINCT organisation_id FROM access.grants g WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}"

_EDITING_ROLES = (Role.ADMIN, Role.EDITOR)


class EffectivePermissions(msgspec.Struct, frozen=True):
    """The permissions of a caller on an organisation or site: those of all grants together."""

    role: Role | None
    """None for partners: their scopes decided already."""
    billing: bool
    """Whether prices are shown."""

    @property
    def may_change(self) -> bool:
        """Whether orders and changes are allowed, not just reading."""
        return self.role in _EDITING_ROLES


def visible(organisation: str, site: str | None = None, also: str = "") -> str:
    """Return the condition that the caller reaches, on the day, the row with these columns.

    For rows that are found by their ids: each is checked against the grants by an index. ``also`` is a further
    condition on the grant (``g``).
    """
    base = f"SELECT FROM access.grants g WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}{also}"
    of_organisation = f"{base} AND g.organisation_id = {organisation}"
    conditions = [f"{base} AND g.organisation_id IS NULL"]
    if site is None:
        conditions.append(of_organisation)
    else:
        conditions += [f"{of_organisation} AND g.site_id IS NULL", f"{of_organisation} AND g.site_id = {site}"]
    return f"({' OR '.join(f'EXISTS ({condition})' for condition in conditions)})"


def billing(organisation: str, site: str) -> str:
    """Return the condition that the caller may, on the day, see prices of the row with these columns."""
    return visible(organisation, site, also=" AND g.billing")


class PostgresAccessDecisions:
    """Implements the port ``AccessDecisions`` of services whose commands are decided by the caller's access."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def permissions(
        self, caller: Caller, today: dt.date, organisation_id: uuid.UUID, site_id: uuid.UUID | None = None
    ) -> EffectivePermissions | None:
        """Return the caller's permissions on an organisation or one of its sites; None if it is out of reach."""
        row = await self._connection.fetchrow(
            _EFFECTIVE_PERMISSIONS, caller.subject_id, today, organisation_id, site_id
        )
        if row is None or not row["grants"]:
            return None
        return EffectivePermissions(Role(row["role"]) if row["role"] else None, row["billing"])

    async def covers_site(self, caller: Caller, today: dt.date, site_id: uuid.UUID) -> bool:
        """Return whether the caller's access would cover a site of unknown organisation, should it exist."""
        return bool(await self._connection.fetchval(_COVERS_SITE, caller.subject_id, today, site_id))


async def reachable_organisations(
    connection: DatabaseConnection, caller: Caller, day: dt.date
) -> list[uuid.UUID] | None:
    """Return the organisations that the caller reaches with all or some sites; None is all."""
    ids = [row["organisation_id"] for row in await connection.fetch(_ORGANISATIONS, caller.subject_id, day)]
    return None if None in ids else ids
