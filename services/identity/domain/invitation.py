"""Invitations: who is invited to what, for how long, and what became of it (I7, I8)."""

import datetime as dt
import enum
import uuid

import msgspec

from services.contracts.address_formats import email_problems
from services.contracts.identity.invitations import InvitationState, InvitedMember
from services.contracts.identity.people import Language
from services.contracts.values import Problem, malformed
from services.identity.domain.member import AccessRecord, MemberRecord, access_problems

VALIDITY = dt.timedelta(days=14)
"""The time for which an invitation can be accepted after it was sent."""

SENDING_PERIOD = dt.timedelta(days=1)
MAX_SENT = 400
"""The greatest number of invitations that one organisation sends in the period."""

EMAIL_RETENTION = dt.timedelta(days=365)
"""The time for which the address of an invitation is kept."""


class Decision(enum.Enum):
    """The end of an invitation before its time is over."""

    ACCEPTED = "ACCEPTED"
    WITHDRAWN = "WITHDRAWN"


class InvitationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation of a person to an organisation."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    email: str
    language: Language
    access: AccessRecord
    """The access that it gives."""
    invited_by: uuid.UUID
    invited_at: dt.datetime
    sent_at: dt.datetime
    sent: int = 1
    """How often it was sent: each time with another link."""
    expires_at: dt.datetime
    decision: Decision | None = None
    decided_at: dt.datetime | None = None
    member_id: uuid.UUID | None = None
    """The membership that followed from it."""
    accepted_by: uuid.UUID | None = None
    other_email: bool = False
    """Whether the user who accepted it has another address."""
    version: int = 1

    @property
    def mail_id(self) -> uuid.UUID:
        """The id of the mail that was sent last."""
        return uuid.uuid5(self.id, str(self.sent))


def new_invitation(
    invitation_id: uuid.UUID,
    organisation_id: uuid.UUID,
    invited: InvitedMember,
    access: AccessRecord,
    invited_by: uuid.UUID,
    now: dt.datetime,
) -> InvitationRecord:
    """Return a new invitation."""
    return InvitationRecord(
        id=invitation_id,
        organisation_id=organisation_id,
        email=invited.email,
        language=invited.language,
        access=access,
        invited_by=invited_by,
        invited_at=now,
        sent_at=now,
        expires_at=now + VALIDITY,
    )


def invited_problems(invited: InvitedMember, today: dt.date, *path: str) -> list[Problem]:
    """Return the problems of a person to invite: MALFORMED."""
    problems = email_problems(invited.email, *path, "email")
    if not invited.email:
        problems = [malformed(*path, "email", reason="REQUIRED")]
    return [*problems, *access_problems(invited.access, today, *path, "access")]


def state_of(invitation: InvitationRecord, now: dt.datetime) -> InvitationState:
    """Return the state of an invitation."""
    if invitation.decision is not None:
        return InvitationState[invitation.decision.name]
    return InvitationState.PENDING if now < invitation.expires_at else InvitationState.EXPIRED


def is_acceptable(invitation: InvitationRecord, now: dt.datetime, today: dt.date) -> bool:
    """Return whether an invitation can be accepted: in time, and before the last day of its membership is over."""
    until = invitation.access.until
    return state_of(invitation, now) is InvitationState.PENDING and (until is None or until >= today)


def resent(invitation: InvitationRecord, now: dt.datetime) -> InvitationRecord:
    """Return an invitation that is sent again."""
    return msgspec.structs.replace(
        invitation,
        sent_at=now,
        sent=invitation.sent + 1,
        expires_at=now + VALIDITY,
        version=invitation.version + 1,
    )


def withdrawn(invitation: InvitationRecord, now: dt.datetime) -> InvitationRecord:
    """Return an invitation that is withdrawn."""
    return msgspec.structs.replace(
        invitation, decision=Decision.WITHDRAWN, decided_at=now, version=invitation.version + 1
    )


def accepted(
    invitation: InvitationRecord, member: MemberRecord, now: dt.datetime, *, other_email: bool
) -> InvitationRecord:
    """Return an invitation that is accepted by this member."""
    return msgspec.structs.replace(
        invitation,
        decision=Decision.ACCEPTED,
        decided_at=now,
        member_id=member.id,
        accepted_by=member.user_id,
        other_email=other_email,
        version=invitation.version + 1,
    )
