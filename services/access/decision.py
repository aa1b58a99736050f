"""The decision: what of an organisation and its sites a caller reaches today.

Reads join the copy in SQL with ``visible``; commands ask ``grant`` in their transaction. Nothing is kept in memory.
"""

import datetime as dt
import uuid

import msgspec

from services.access.caller import Caller
from services.chassis.postgres import Connection
from services.contracts.identity import Role

_GRANT = """
    SELECT (array_agg(role ORDER BY array_position(ARRAY['ADMIN', 'EDITOR', 'VIEWER'], role)))[1] AS role,
           bool_or(billing) AS billing, count(*) AS grants
    FROM access.grants
    WHERE subject_id = $1 AND (until IS NULL OR until >= $2)
      AND (organisation_id IS NULL OR organisation_id = $3)
      AND ($4::uuid IS NULL OR site_ids IS NULL OR $4 = ANY (site_ids))
"""
_ORGANISATIONS = """
    SELECT organisation_id FROM access.grants WHERE subject_id = $1 AND (until IS NULL OR until >= $2)
"""

_CHANGING = (Role.ADMIN, Role.EDITOR)


class Grant(msgspec.Struct, frozen=True):
    """What a caller may do at one place. ``role`` is None for partners: their scopes decided already."""

    role: Role | None
    billing: bool

    @property
    def may_change(self) -> bool:
        """Whether orders and changes are allowed, not just reading."""
        return self.role in _CHANGING


def visible(organisation: str, site: str | None = None) -> str:
    """SQL: whether the caller ($1) reaches, on the day ($2), the row with these columns."""
    of_site = f" AND (g.site_ids IS NULL OR {site} = ANY (g.site_ids))" if site else ""
    return (
        "EXISTS (SELECT 1 FROM access.grants g WHERE g.subject_id = $1 AND (g.until IS NULL OR g.until >= $2)"
        f" AND (g.organisation_id IS NULL OR g.organisation_id = {organisation}){of_site})"
    )


def billing(organisation: str, site: str) -> str:
    """SQL: whether the caller ($1) may, on the day ($2), see prices of the row with these columns."""
    return visible(organisation, site).removesuffix(")") + " AND g.billing)"


async def grant(
    connection: Connection, caller: Caller, day: dt.date, organisation: uuid.UUID, site: uuid.UUID | None = None
) -> Grant | None:
    """What all the caller's grants come to for an organisation (and one of its sites); None if it is out of reach."""
    row = await connection.fetchrow(_GRANT, caller.subject_id, day, organisation, site)
    if row is None or not row["grants"]:
        return None
    return Grant(Role(row["role"]) if row["role"] else None, row["billing"])


async def organisations(connection: Connection, caller: Caller, day: dt.date) -> list[uuid.UUID] | None:
    """Every organisation that the caller reaches with all or some sites; None is all."""
    rows = await connection.fetch(_ORGANISATIONS, caller.subject_id, day)
    found = [row["organisation_id"] for row in rows]
    return None if None in found else found
