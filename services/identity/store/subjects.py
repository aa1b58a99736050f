"""Users and partners, as the use cases and the reads both need them."""

import uuid
from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection, Row
from services.contracts.identity import Language, Role
from services.identity.domain.access import MembershipRecord, PartnerRecord, UserRecord

_USER = """
    SELECT id, username, email, language, password_hash, staff, active, version, terms_version, terms_accepted_at
    FROM users
"""
_MEMBERSHIPS = """
    SELECT user_id, organisation_id, role, billing, site_ids, until FROM memberships
    WHERE user_id = ANY ($1) ORDER BY user_id, organisation_id
"""
_AFTER = "WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
_PARTNER = "SELECT id, name, scopes, organisation_ids, all_organisations, active, version FROM partners"


async def user_by_username(connection: DatabaseConnection, username_key: str) -> UserRecord | None:
    """The user whose username has this key, with their memberships."""
    return _first(await _to_users(connection, await connection.fetch(f"{_USER} WHERE username_key = $1", username_key)))


async def user_by_id(connection: DatabaseConnection, user_id: uuid.UUID) -> UserRecord | None:
    """The user with this id, with their memberships."""
    return _first(await _to_users(connection, await connection.fetch(f"{_USER} WHERE id = $1", user_id)))


async def users_after(connection: DatabaseConnection, after: uuid.UUID, limit: int) -> list[UserRecord]:
    """The users with the next ids, locked against change, with their memberships."""
    return await _to_users(connection, await connection.fetch(f"{_USER} {_AFTER}", after, limit))


async def partner_by_id(
    connection: DatabaseConnection, partner_id: uuid.UUID, *, lock: bool = False
) -> PartnerRecord | None:
    """The partner with this id."""
    row = await connection.fetchrow(f"{_PARTNER} WHERE id = $1{' FOR UPDATE' if lock else ''}", partner_id)
    return PartnerRecord(**dict(row)) if row else None


async def partners_after(connection: DatabaseConnection, after: uuid.UUID, limit: int) -> list[PartnerRecord]:
    """The partners with the next ids, locked against change."""
    return [PartnerRecord(**dict(row)) for row in await connection.fetch(f"{_PARTNER} {_AFTER}", after, limit)]


async def partners(connection: DatabaseConnection) -> list[PartnerRecord]:
    """Every partner, by name."""
    return [PartnerRecord(**dict(row)) for row in await connection.fetch(f"{_PARTNER} ORDER BY sort_name, id")]


async def _to_users(connection: DatabaseConnection, rows: Sequence[Row]) -> list[UserRecord]:
    memberships: dict[uuid.UUID, list[MembershipRecord]] = {row["id"]: [] for row in rows}
    for one in await connection.fetch(_MEMBERSHIPS, list(memberships)):
        memberships[one["user_id"]].append(
            MembershipRecord(
                organisation_id=one["organisation_id"],
                role=Role(one["role"]),
                billing=one["billing"],
                site_ids=one["site_ids"],
                until=one["until"],
            )
        )
    return [
        UserRecord(memberships=memberships[row["id"]], **(dict(row) | {"language": Language(row["language"])}))
        for row in rows
    ]


def _first(users: Sequence[UserRecord]) -> UserRecord | None:
    return users[0] if users else None
