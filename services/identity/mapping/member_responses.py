"""Members and invitations as responses."""

import datetime as dt
import uuid

from services.chassis.ids import write_id, write_optional_id
from services.contracts.identity.invitations import Invitation
from services.contracts.identity.members import Member
from services.contracts.values import Id
from services.identity.domain.invitation import InvitationRecord, state_of
from services.identity.domain.member import MemberRecord


def member_response(member: MemberRecord, username: str) -> Member:
    """Return a member as the organisation's admins see it."""
    return Member(
        id=write_id("member", member.id),
        organisation_id=write_id("org", member.organisation_id),
        by=write_id("user", member.user_id),
        username=username,
        role=member.access.role,
        billing=member.access.billing,
        site_ids=_site_ids(member.access.site_ids),
        since=member.since,
        until=member.access.until,
        ended_at=member.ended_at,
        version=member.version,
    )


def invitation_response(invitation: InvitationRecord, now: dt.datetime) -> Invitation:
    """Return an invitation as the organisation's admins see it."""
    return Invitation(
        id=write_id("invitation", invitation.id),
        organisation_id=write_id("org", invitation.organisation_id),
        email=invitation.email,
        language=invitation.language,
        role=invitation.access.role,
        billing=invitation.access.billing,
        site_ids=_site_ids(invitation.access.site_ids),
        until=invitation.access.until,
        state=state_of(invitation, now),
        by=write_id("user", invitation.invited_by),
        invited_at=invitation.invited_at,
        sent_at=invitation.sent_at,
        expires_at=invitation.expires_at,
        accepted_by_id=write_optional_id("user", invitation.accepted_by),
        accepted_with_other_email=invitation.other_email,
        decided_at=invitation.decided_at,
        version=invitation.version,
    )


def _site_ids(site_ids: list[uuid.UUID] | None) -> list[Id] | None:
    return None if site_ids is None else [write_id("site", one) for one in site_ids]
