"""Users and partners, as the use cases and the reads both need them."""

import uuid

from services.chassis.postgres import Connection, Row
from services.contracts.identity import Language, Role
from services.identity.domain.access import MembershipRecord, PartnerRecord, UserRecord

_USER = """
    SELECT id, username, email, language, password_hash, staff, active, version, terms_version, terms_accepted_at
    FROM users
"""
_MEMBERSHIPS = """
    SELECT organisation_id, role, billing, site_ids, until FROM memberships
    WHERE user_id = $1 ORDER BY organisation_id
"""
_PARTNER = "SELECT id, name, scopes, organisation_ids, all_organisations, active, version FROM partners"


async def user_named(connection: Connection, username_key: str) -> UserRecord | None:
    """The user whose username has this key, with their memberships."""
    return await _user(connection, await connection.fetchrow(f"{_USER} WHERE username_key = $1", username_key))


async def user_with(connection: Connection, user_id: uuid.UUID) -> UserRecord | None:
    """The user with this id, with their memberships."""
    return await _user(connection, await connection.fetchrow(f"{_USER} WHERE id = $1", user_id))


async def partner_with(connection: Connection, partner_id: uuid.UUID, *, lock: bool = False) -> PartnerRecord | None:
    """The partner with this id."""
    row = await connection.fetchrow(f"{_PARTNER} WHERE id = $1{' FOR UPDATE' if lock else ''}", partner_id)
    return PartnerRecord(**dict(row)) if row else None


async def partners(connection: Connection) -> list[PartnerRecord]:
    """Every partner, by name."""
    return [PartnerRecord(**dict(row)) for row in await connection.fetch(f"{_PARTNER} ORDER BY sort_name, id")]


async def _user(connection: Connection, row: Row | None) -> UserRecord | None:
    if row is None:
        return None
    memberships = [
        MembershipRecord(
            organisation_id=one["organisation_id"],
            role=Role(one["role"]),
            billing=one["billing"],
            site_ids=one["site_ids"],
            until=one["until"],
        )
        for one in await connection.fetch(_MEMBERSHIPS, row["id"])
    ]
    columns = dict(row) | {"language": Language(row["language"])}
    return UserRecord(memberships=memberships, **columns)
