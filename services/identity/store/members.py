"""Members of organisations, in SQL."""

import datetime as dt
import uuid
from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row
from services.contracts.permission import Role
from services.identity.domain.member import AccessRecord, MemberRecord

MEMBER_COLUMNS = """
    m.id, m.user_id, m.organisation_id, m.role, m.billing, m.site_ids, m.until, m.since, m.ended_at, m.version
"""
_ADD = """
    INSERT INTO memberships (id, user_id, organisation_id, role, billing, site_ids, until, since, ended_at, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_SAVE = """
    UPDATE memberships SET billing = $3, role = $2, site_ids = $4, until = $5, ended_at = $6, version = $7
    WHERE id = $1
"""
_BY_ID = f"SELECT {MEMBER_COLUMNS} FROM memberships m WHERE m.id = $1"
_FIND = f"""
    SELECT {MEMBER_COLUMNS} FROM memberships m
    WHERE m.organisation_id = $1 AND m.user_id = $2 AND m.ended_at IS NULL
"""
_PERMANENT_ADMINS = f"""
    SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.organisation_id = $1 AND m.role = '{Role.ADMIN.value}' AND m.site_ids IS NULL AND m.until IS NULL
      AND m.ended_at IS NULL AND u.active
"""
_EMAILS = """
    SELECT lower(u.email) AS email FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.organisation_id = $1 AND m.ended_at IS NULL AND (m.until IS NULL OR m.until >= $3)
      AND lower(u.email) = ANY ($2)
"""


class PostgresMemberRepository:
    """Implements ``usecases.ports.members.MemberRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, member: MemberRecord) -> None:
        await self._connection.execute(
            _ADD,
            member.id,
            member.user_id,
            member.organisation_id,
            *access_row(member.access),
            member.since,
            member.ended_at,
            member.version,
        )

    async def save(self, member: MemberRecord) -> None:
        await self._connection.execute(_SAVE, member.id, *access_row(member.access), member.ended_at, member.version)

    async def by_id(self, member_id: uuid.UUID) -> MemberRecord | None:
        row = await self._connection.fetchrow(_BY_ID, member_id)
        return to_member(row) if row else None

    async def find(self, organisation_id: uuid.UUID, user_id: uuid.UUID) -> MemberRecord | None:
        row = await self._connection.fetchrow(_FIND, organisation_id, user_id)
        return to_member(row) if row else None

    async def permanent_admins(self, organisation_id: uuid.UUID) -> int:
        return int(await self._connection.fetchval(_PERMANENT_ADMINS, organisation_id))

    async def emails(self, organisation_id: uuid.UUID, emails: Collection[str], today: dt.date) -> set[str]:
        rows = await self._connection.fetch(_EMAILS, organisation_id, list(emails), today)
        return {row["email"] for row in rows}


def to_member(row: Row) -> MemberRecord:
    """Return the member of a row."""
    return from_row(MemberRecord, {**row, "access": to_access(row)})


def to_access(row: Row) -> AccessRecord:
    """Return the access of a row."""
    site_ids = row["site_ids"]
    return AccessRecord(
        role=Role(row["role"]),
        billing=row["billing"],
        site_ids=None if site_ids is None else [uuid.UUID(int=one.int) for one in site_ids],
        until=row["until"],
    )


def access_row(access: AccessRecord) -> tuple[object, ...]:
    """Return the cells of an access: role, billing, sites, last day."""
    return access.role.value, access.billing, access.site_ids, access.until
