"""The decision: what of organisations and their sites a caller reaches today.

``visible`` is the condition on rows that are found by their ids ($1 caller, $2 day); lists begin from the caller's
grants (``reach``). Commands ask ``effective_permissions`` in their transaction. Nothing is kept in memory.
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
_ORGANISATIONS = f"SELECT DISTINCT organisation_id FROM access.grants g WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}"

_EDITING_ROLES = (Role.ADMIN, Role.EDITOR)


class EffectivePermissions(msgspec.Struct, frozen=True):
    """What a caller may do at one place. ``role`` is None for partners: their scopes decided already."""

    role: Role | None
    billing: bool

    @property
    def may_change(self) -> bool:
        """Whether orders and changes are allowed, not just reading."""
        return self.role in _EDITING_ROLES


def visible(organisation: str, site: str | None = None, also: str = "") -> str:
    """Return the condition that the caller reaches, on the day, the row with these columns.

    For rows that are found by their ids: each is held against the grants by their index. ``also`` is a further
    condition on the grant (``g``).
    """
    base = f"SELECT FROM access.grants g WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}{also}"
    of_organisation = f"{base} AND g.organisation_id = {organisation}"
    conditions = [f"{base} AND g.organisation_id IS NULL"]
    if site is None:
        conditions.append(of_organisation)
    else:
        conditions += [f"{of_organisation} AND g.site_id IS NULL", f"{of_organisation} AND g.site_id = {site}"]
    return f"({' OR '.join(f'EXISTS ({one})' for one in conditions)})"


def billing(organisation: str, site: str) -> str:
    """Return the condition that the caller may, on the day, see prices of the row with these columns."""
    return visible(organisation, site, also=" AND g.billing")


async def effective_permissions(
    connection: DatabaseConnection, caller: Caller, day: dt.date, organisation: uuid.UUID, site: uuid.UUID | None = None
) -> EffectivePermissions | None:
    """What all the caller's grants come to for an organisation (and one of its sites); None if it is out of reach."""
    row = await connection.fetchrow(_EFFECTIVE_PERMISSIONS, caller.subject_id, day, organisation, site)
    if row is None or not row["grants"]:
        return None
    return EffectivePermissions(Role(row["role"]) if row["role"] else None, row["billing"])


async def reachable_organisations(
    connection: DatabaseConnection, caller: Caller, day: dt.date
) -> list[uuid.UUID] | None:
    """Every organisation that the caller reaches with all or some sites; None is all."""
    rows = await connection.fetch(_ORGANISATIONS, caller.subject_id, day)
    found = [row["organisation_id"] for row in rows]
    return None if None in found else found
