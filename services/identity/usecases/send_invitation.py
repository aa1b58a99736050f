"""The mails of invitations: to the invitee, and to the admin whose invitation was accepted (I8)."""

import secrets
import uuid

import msgspec

from services.contracts.values import Refusal, refuse
from services.identity.domain.access import UserRecord
from services.identity.domain.invitation import MAX_SENT, SENDING_PERIOD, InvitationRecord
from services.identity.domain.secret import digest
from services.identity.mapping.invitation_mail import InvitationFacts, write_acceptance, write_invitation
from services.identity.usecases.ports.transaction import IdentityStore
from services.identity.usecases.send_account_mail import NOTICE_PERIOD, AccountMails, send_body

INVITATION = "invitation"
"""The purpose of the digest of an invitation's secret."""


class InvitationSender(msgspec.Struct, frozen=True):
    """The names that an invitation says."""

    organisation: str
    inviter: str | None
    """The username of the admin; None: an employee, who invites in the operator's name."""


async def check_invitation_limit(
    tx: IdentityStore, organisation_id: uuid.UUID, number: int, *path: str
) -> Refusal | None:
    """Refuse with TOO_MANY_INVITATIONS if an organisation would have sent too many with so many more."""
    sent = await tx.invitations.sent_since(organisation_id, tx.now - SENDING_PERIOD)
    return refuse("TOO_MANY_INVITATIONS", *path, limit=MAX_SENT) if sent + number > MAX_SENT else None


async def find_sender(tx: IdentityStore, organisation_id: uuid.UUID, invited_by: uuid.UUID) -> InvitationSender:
    """Return the names that an organisation's invitations by this user say."""
    inviter = await tx.users.by_id(invited_by)
    return InvitationSender(
        await _name_of(tx, organisation_id), inviter.username if inviter and not inviter.staff else None
    )


async def send_invitation(
    tx: IdentityStore, mails: AccountMails, invitation: InvitationRecord, sender: InvitationSender
) -> bytes:
    """Send an invitation to the invitee in their language; return the digest of the new secret that accepts it."""
    secret = secrets.token_urlsafe(32)
    mail = write_invitation(
        InvitationFacts(organisation=sender.organisation, invitation=invitation, inviter=sender.inviter),
        invitation.language,
        tx.clock.zone,
        mails.letterhead,
        portal_url=mails.portal_url,
        secret=secret,
    )
    await send_body(
        tx,
        invitation.email,
        invitation.language,
        mail,
        invitation.expires_at,
        invitation.mail_id,
        confidential=True,
    )
    return digest(mails.pepper, INVITATION, secret)


async def send_acceptance(
    tx: IdentityStore, mails: AccountMails, invitation: InvitationRecord, user: UserRecord
) -> None:
    """Tell the admin who invited of the acceptance, and of another address than the invited one."""
    inviter = await tx.users.by_id(invitation.invited_by)
    if inviter is None or not inviter.active or inviter.email_verified_at is None:
        return
    organisation = await _name_of(tx, invitation.organisation_id)
    facts = InvitationFacts(organisation=organisation, invitation=invitation, member=user.username)
    mail = write_acceptance(facts, inviter.language, mails.letterhead)
    await send_body(tx, inviter.email, inviter.language, mail, tx.now + NOTICE_PERIOD)


async def _name_of(tx: IdentityStore, organisation_id: uuid.UUID) -> str:
    organisation = await tx.organisations.by_id(organisation_id)
    assert organisation is not None, "an invitation refers to its organisation"
    return organisation.facts.name
