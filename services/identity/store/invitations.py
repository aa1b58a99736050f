"""Invitations, in SQL."""

import datetime as dt
import uuid
from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row
from services.identity.domain.invitation import InvitationRecord
from services.identity.store.members import access_row, to_access

INVITATION_COLUMNS = """
    i.id, i.organisation_id, i.email, i.language, i.role, i.billing, i.site_ids, i.until, i.invited_by, i.invited_at,
    i.sent_at, i.sent, i.expires_at, i.decision, i.decided_at, i.member_id, i.accepted_by, i.other_email, i.version
"""
_ADD = """
    INSERT INTO invitations (id, organisation_id, email, language, role, billing, site_ids, until, invited_by,
                             invited_at, sent_at, sent, expires_at, other_email, version, digest)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
"""
_SAVE = """
    UPDATE invitations
    SET sent_at = $2, sent = $3, expires_at = $4, decision = $5, decided_at = $6, member_id = $7, accepted_by = $8,
        other_email = $9, version = $10, digest = coalesce($11, digest)
    WHERE id = $1
"""
_SELECT = f"SELECT {INVITATION_COLUMNS} FROM invitations i"
_BY_ID = f"{_SELECT} WHERE i.id = $1"
_BY_DIGEST = f"{_SELECT} WHERE i.digest = $1"
_PENDING_EMAILS = """
    SELECT lower(email) AS email FROM invitations
    WHERE organisation_id = $1 AND decision IS NULL AND expires_at > $3 AND lower(email) = ANY ($2)
"""
_SENT_SINCE = "SELECT count(*) FROM invitations WHERE organisation_id = $1 AND sent_at > $2"


class PostgresInvitationRepository:
    """Implements ``usecases.ports.invitations.InvitationRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, invitation: InvitationRecord, digest: bytes) -> None:
        await self._connection.execute(
            _ADD,
            invitation.id,
            invitation.organisation_id,
            invitation.email,
            invitation.language.value,
            *access_row(invitation.access),
            invitation.invited_by,
            invitation.invited_at,
            invitation.sent_at,
            invitation.sent,
            invitation.expires_at,
            invitation.other_email,
            invitation.version,
            digest,
        )

    async def save(self, invitation: InvitationRecord, digest: bytes | None = None) -> None:
        await self._connection.execute(
            _SAVE,
            invitation.id,
            invitation.sent_at,
            invitation.sent,
            invitation.expires_at,
            invitation.decision.value if invitation.decision else None,
            invitation.decided_at,
            invitation.member_id,
            invitation.accepted_by,
            invitation.other_email,
            invitation.version,
            digest,
        )

    async def by_id(self, invitation_id: uuid.UUID) -> InvitationRecord | None:
        return await self._fetch_one(_BY_ID, invitation_id)

    async def lock_by_id(self, invitation_id: uuid.UUID) -> InvitationRecord | None:
        return await self._fetch_one(f"{_BY_ID} FOR UPDATE", invitation_id)

    async def by_digest(self, digest: bytes) -> InvitationRecord | None:
        return await self._fetch_one(_BY_DIGEST, digest)

    async def lock_by_digest(self, digest: bytes) -> InvitationRecord | None:
        return await self._fetch_one(f"{_BY_DIGEST} FOR UPDATE", digest)

    async def pending_emails(self, organisation_id: uuid.UUID, emails: Collection[str], now: dt.datetime) -> set[str]:
        rows = await self._connection.fetch(_PENDING_EMAILS, organisation_id, list(emails), now)
        return {row["email"] for row in rows}

    async def sent_since(self, organisation_id: uuid.UUID, since: dt.datetime) -> int:
        return int(await self._connection.fetchval(_SENT_SINCE, organisation_id, since))

    async def _fetch_one(self, query: str, key: object) -> InvitationRecord | None:
        row = await self._connection.fetchrow(query, key)
        return to_invitation(row) if row else None


def to_invitation(row: Row) -> InvitationRecord:
    """Return the invitation of a row."""
    return from_row(InvitationRecord, {**row, "access": to_access(row)})
