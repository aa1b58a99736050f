"""Users with their memberships, in SQL."""

import datetime as dt
import uuid

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import to_row
from services.chassis.ids import new_uuid
from services.contracts.identity.people import Language
from services.contracts.permission import Role
from services.identity.domain.access import MembershipRecord, UserRecord
from services.identity.domain.names import username_key

USER_COLUMNS = """
    id, username, username_key, email, language, password_hash, staff, active, version, terms_version,
    terms_accepted_at, created_at
"""
_ADD = f"""
    INSERT INTO users ({USER_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (username_key) DO NOTHING RETURNING true
"""
MEMBERSHIP_COLUMNS = "user_id, organisation_id, role, billing, site_ids, until"
_ADD_MEMBERSHIP = f"INSERT INTO memberships ({MEMBERSHIP_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)"
_SELECT = """
    SELECT id, username, email, language, password_hash, staff, active, version, terms_version, terms_accepted_at
    FROM users
"""
_BY_USERNAME = f"{_SELECT} WHERE username_key = $1"
_BY_ID = f"{_SELECT} WHERE id = $1"
_AFTER = f"{_SELECT} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
_MEMBERSHIPS = f"""
    SELECT {MEMBERSHIP_COLUMNS} FROM memberships WHERE user_id = ANY ($1) ORDER BY user_id, organisation_id
"""
_ANY_IN = "SELECT EXISTS (SELECT 1 FROM memberships WHERE organisation_id = $1)"
_REQUEST_ACCESS = "INSERT INTO access_requests (id, user_id, organisation_id, asked_at) VALUES ($1, $2, $3, $4)"


class PostgresUserRepository:
    """Implements ``usecases.ports.users.UserRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, user: UserRecord, now: dt.datetime) -> bool:
        added = await self._connection.fetchval(_ADD, *user_row(user, now))
        if added:
            await self._connection.executemany(_ADD_MEMBERSHIP, membership_rows(user))
        return bool(added)

    async def by_username(self, username_key: str) -> UserRecord | None:
        users = await self._fetch(_BY_USERNAME, username_key)
        return users[0] if users else None

    async def by_id(self, user_id: uuid.UUID) -> UserRecord | None:
        users = await self._fetch(_BY_ID, user_id)
        return users[0] if users else None

    async def after(self, after: uuid.UUID, limit: int) -> list[UserRecord]:
        return await self._fetch(_AFTER, after, limit)

    async def any_in(self, organisation_id: uuid.UUID) -> bool:
        return bool(await self._connection.fetchval(_ANY_IN, organisation_id))

    async def request_access(self, user_id: uuid.UUID, organisation_id: uuid.UUID, now: dt.datetime) -> None:
        await self._connection.execute(_REQUEST_ACCESS, new_uuid(), user_id, organisation_id, now)

    async def _fetch(self, query: str, *arguments: object) -> list[UserRecord]:
        rows = await self._connection.fetch(query, *arguments)
        memberships: dict[uuid.UUID, list[MembershipRecord]] = {row["id"]: [] for row in rows}
        for row in await self._connection.fetch(_MEMBERSHIPS, list(memberships)):
            memberships[row["user_id"]].append(_to_membership(row))
        return [
            UserRecord(memberships=memberships[row["id"]], **(dict(row) | {"language": Language(row["language"])}))
            for row in rows
        ]


def user_row(user: UserRecord, created_at: dt.datetime) -> tuple[object, ...]:
    """Return the values of a user's columns, in the order of ``USER_COLUMNS``."""
    return (
        user.id,
        user.username,
        username_key(user.username),
        user.email,
        user.language.value,
        user.password_hash,
        user.staff,
        user.active,
        user.version,
        user.terms_version,
        user.terms_accepted_at,
        created_at,
    )


def membership_rows(user: UserRecord) -> list[tuple[object, ...]]:
    """Return the values of the columns of a user's memberships, in the order of ``MEMBERSHIP_COLUMNS``."""
    return [(user.id, *to_row(one)) for one in user.memberships]


def _to_membership(row: Row) -> MembershipRecord:
    return MembershipRecord(
        organisation_id=row["organisation_id"],
        role=Role(row["role"]),
        billing=row["billing"],
        site_ids=row["site_ids"],
        until=row["until"],
    )
