"""Users with their memberships, in SQL."""

import datetime as dt
import uuid
from collections.abc import Sequence

from asyncpg import UniqueViolationError

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import to_row
from services.chassis.ids import new_uuid
from services.contracts.identity.people import Language
from services.contracts.permission import Role
from services.identity.domain.access import MembershipRecord, UserRecord
from services.identity.domain.names import look_alike_key, username_key

USER_COLUMNS = """
    id, username, username_key, look_alike_key, email, email_verified_at, language, password_hash, staff, active,
    version, account_version, terms_version, terms_accepted_at, created_at
"""
_ADD = f"""
    INSERT INTO users ({USER_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    ON CONFLICT DO NOTHING RETURNING true
"""
MEMBERSHIP_COLUMNS = "user_id, organisation_id, role, billing, site_ids, until, since, id"
_ADD_MEMBERSHIP = f"INSERT INTO memberships ({MEMBERSHIP_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
_SELECT = """
    SELECT
        id, username, email, email_verified_at, language, password_hash, staff, active, version, account_version,
        terms_version, terms_accepted_at
    FROM users
"""
_BY_USERNAME = f"{_SELECT} WHERE username_key = $1"
_BY_ID = f"{_SELECT} WHERE id = $1"
_BY_IDS = f"{_SELECT} WHERE id = ANY ($1) ORDER BY id"
_LOCK_BY_ID = f"{_SELECT} WHERE id = $1 FOR NO KEY UPDATE"
_IDS_BY_EMAIL = "SELECT id FROM users WHERE active AND lower(email) = lower($1) ORDER BY id LIMIT 20"
_IDS_BY_NAME_OR_EMAIL = """
    SELECT id FROM users WHERE active AND (username_key = $1 OR lower(email) = lower($2)) ORDER BY id LIMIT 20
"""
# A name that looked like another's before that was refused has no key for it; it may change its case all the same.
_RENAME = """
    UPDATE users
    SET username = $2, username_key = $3,
        look_alike_key = CASE WHEN username_key = $3 THEN look_alike_key ELSE $4 END
    WHERE id = $1
"""
_SAVE_ACCOUNT = """
    UPDATE users
    SET email = $2, email_verified_at = $3, language = $4, password_hash = $5, account_version = $6
    WHERE id = $1
"""
_KEEPS_PASSWORD = "SELECT true FROM users WHERE id = $1 AND password_hash = $2 AND active FOR SHARE"  # noqa: S105
_RAISE_VERSION = "UPDATE users SET version = version + 1 WHERE id = $1"
_AFTER = f"{_SELECT} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
_MEMBERSHIPS = f"""
    SELECT {MEMBERSHIP_COLUMNS} FROM memberships
    WHERE user_id = ANY ($1) AND ended_at IS NULL ORDER BY user_id, organisation_id
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
            await self._connection.executemany(_ADD_MEMBERSHIP, membership_rows(user, now))
        return bool(added)

    async def by_username(self, username_key: str) -> UserRecord | None:
        users = await self._fetch(_BY_USERNAME, username_key)
        return users[0] if users else None

    async def by_id(self, user_id: uuid.UUID) -> UserRecord | None:
        users = await self._fetch(_BY_ID, user_id)
        return users[0] if users else None

    async def by_ids(self, user_ids: Sequence[uuid.UUID]) -> list[UserRecord]:
        return await self._fetch(_BY_IDS, user_ids)

    async def lock_by_id(self, user_id: uuid.UUID) -> UserRecord | None:
        users = await self._fetch(_LOCK_BY_ID, user_id)
        return users[0] if users else None

    async def ids_by_email(self, email: str) -> list[uuid.UUID]:
        return [row["id"] for row in await self._connection.fetch(_IDS_BY_EMAIL, email)]

    async def ids_by_name_or_email(self, username_key: str, email: str) -> list[uuid.UUID]:
        return [row["id"] for row in await self._connection.fetch(_IDS_BY_NAME_OR_EMAIL, username_key, email)]

    async def rename(self, user: UserRecord) -> bool:
        key = username_key(user.username)
        try:
            async with self._connection.transaction():
                await self._connection.execute(_RENAME, user.id, user.username, key, look_alike_key(key))
        except UniqueViolationError:
            return False
        return True

    async def save_account(self, user: UserRecord) -> None:
        await self._connection.execute(
            _SAVE_ACCOUNT,
            user.id,
            user.email,
            user.email_verified_at,
            user.language.value,
            user.password_hash,
            user.account_version,
        )

    async def keeps_password(self, user: UserRecord) -> bool:
        return bool(await self._connection.fetchval(_KEEPS_PASSWORD, user.id, user.password_hash))

    async def raise_version(self, user_id: uuid.UUID) -> UserRecord:
        await self._connection.execute(_RAISE_VERSION, user_id)
        user = await self.by_id(user_id)
        assert user is not None, "a membership refers to its user"
        return user

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
    key = username_key(user.username)
    return (
        user.id,
        user.username,
        key,
        look_alike_key(key),
        user.email,
        user.email_verified_at,
        user.language.value,
        user.password_hash,
        user.staff,
        user.active,
        user.version,
        user.account_version,
        user.terms_version,
        user.terms_accepted_at,
        created_at,
    )


def membership_rows(user: UserRecord, since: dt.datetime) -> list[tuple[object, ...]]:
    """Return the values of the columns of a new user's memberships, in the order of ``MEMBERSHIP_COLUMNS``."""
    return [(user.id, *to_row(one), since, uuid.uuid5(user.id, str(one.organisation_id))) for one in user.memberships]


def _to_membership(row: Row) -> MembershipRecord:
    return MembershipRecord(
        organisation_id=row["organisation_id"],
        role=Role(row["role"]),
        billing=row["billing"],
        site_ids=row["site_ids"],
        until=row["until"],
    )
