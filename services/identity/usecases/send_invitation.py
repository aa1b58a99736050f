"""The mails of invitations: to the invitee, and to the admin whose invitation was accepted (I8)."""

import datetime as dt
import uuid

from services.chassis.ids import new_uuid
from services.chassis.mail import MailMessage
from services.chassis.mail_body.renderer import MailBody
from services.contracts.identity.people import Language
from services.identity.domain.access import UserRecord
from services.identity.domain.invitation import InvitationRecord
from services.identity.mapping.invitation_mail import InvitationFacts, write_acceptance, write_invitation
from services.identity.usecases.ports.transaction import IdentityStore
from services.identity.usecases.send_account_mail import AccountMails

INVITATION = "invitation"
"""The purpose of the digest of an invitation's secret."""
_NOTICE_PERIOD = dt.timedelta(days=1)
"""The time in which the mail about an acceptance is tried to be sent."""


async def send_invitation(tx: IdentityStore, mails: AccountMails, invitation: InvitationRecord, secret: str) -> None:
    """Send an invitation, with the secret that accepts it, to the invitee in their language."""
    mail = write_invitation(
        await _find_facts(tx, invitation, inviter=await tx.users.by_id(invitation.invited_by)),
        invitation.language,
        tx.clock.zone,
        mails.letterhead,
        portal_url=mails.portal_url,
        secret=secret,
    )
    await _send(
        tx,
        invitation.email,
        invitation.language,
        mail,
        invitation.expires_at,
        mail_id=invitation.mail_id,
        confidential=True,
    )


async def send_acceptance(
    tx: IdentityStore, mails: AccountMails, invitation: InvitationRecord, user: UserRecord
) -> None:
    """Tell the admin who invited of the acceptance, and of another address than the invited one."""
    inviter = await tx.users.by_id(invitation.invited_by)
    if inviter is None or not inviter.active or inviter.email_verified_at is None:
        return
    facts = await _find_facts(tx, invitation, member=user)
    mail = write_acceptance(facts, inviter.language, mails.letterhead)
    await _send(tx, inviter.email, inviter.language, mail, tx.now + _NOTICE_PERIOD, mail_id=new_uuid())


async def _find_facts(
    tx: IdentityStore,
    invitation: InvitationRecord,
    *,
    inviter: UserRecord | None = None,
    member: UserRecord | None = None,
) -> InvitationFacts:
    organisation = await tx.organisations.by_id(invitation.organisation_id)
    assert organisation is not None, "an invitation refers to its organisation"
    # Employees invite in the operator's name.
    return InvitationFacts(
        organisation=organisation.facts.name,
        invitation=invitation,
        inviter=inviter.username if inviter and not inviter.staff else None,
        member=member.username if member else None,
    )


async def _send(
    tx: IdentityStore,
    recipient: str,
    language: Language,
    mail: MailBody,
    deadline: dt.datetime,
    *,
    mail_id: uuid.UUID,
    confidential: bool = False,
) -> None:
    await tx.send_mail(
        MailMessage(
            id=mail_id,
            recipient=recipient,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            language=language.value,
            deadline=deadline,
            confidential=confidential,
        )
    )
