"""Mails to a user about their own account, in the transaction of what they tell."""

import datetime as dt
import secrets
import uuid

import msgspec

from services.chassis.ids import new_uuid
from services.chassis.mail import MailMessage
from services.chassis.mail_body.renderer import MailBody
from services.chassis.runtime.settings import Letterhead
from services.contracts.identity.people import Language
from services.identity.domain.access import UserRecord
from services.identity.domain.link import LinkPurpose, new_link
from services.identity.domain.secret import digest
from services.identity.mapping.account_mail import AccountFacts, LinkMail, NoticeMail, write_link_mail, write_notice
from services.identity.usecases.ports.transaction import IdentityStore

LINK = "link"
"""The purpose of the digest of a link's secret."""
NOTICE_PERIOD = dt.timedelta(days=1)
"""The time in which a mail without a link is tried to be sent."""


class AccountMails(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of mails about accounts."""

    pepper: bytes
    portal_url: str
    """The portal, whose pages links lead to; empty: mails have the code alone."""
    letterhead: Letterhead


async def send_link(
    tx: IdentityStore,
    mails: AccountMails,
    user: UserRecord,
    purpose: LinkPurpose,
    *,
    to: str = "",
    new_email: str | None = None,
    link_id: uuid.UUID | None = None,
) -> None:
    """Send a user, who is locked, a new link, in place of earlier ones of its purpose.

    It goes ``to`` another address than the user's, if one is given. A link with a ``link_id`` is sent once.
    """
    secret = secrets.token_urlsafe(32)
    link = new_link(link_id or new_uuid(), user.id, purpose, tx.now)
    if not await tx.links.add(link, digest(mails.pepper, LINK, secret)):
        return
    facts = AccountFacts(usernames=[user.username], email=new_email, valid_until=link.expires_at)
    mail = write_link_mail(
        LinkMail[purpose.name],
        facts,
        user.language,
        tx.clock.zone,
        mails.letterhead,
        portal_url=mails.portal_url,
        secret=secret,
    )
    await send_body(tx, to or user.email, user.language, mail, link.expires_at, confidential=True)


async def send_notice(
    tx: IdentityStore,
    mails: AccountMails,
    user: UserRecord,
    kind: NoticeMail,
    *,
    new_email: str | None = None,
    sessions_ended: int | None = None,
) -> None:
    """Tell a user of a change, unless their address is not verified."""
    if user.email_verified_at is None:
        return
    facts = AccountFacts(usernames=[user.username], email=new_email, changed_at=tx.now, sessions_ended=sessions_ended)
    mail = write_notice(kind, facts, user.language, tx.clock.zone, mails.letterhead)
    await send_body(tx, user.email, user.language, mail, tx.now + NOTICE_PERIOD)


async def send_usernames(tx: IdentityStore, mails: AccountMails, users: list[UserRecord], mail_id: uuid.UUID) -> None:
    """Send the usernames of users who share an address, in the language of the first; a ``mail_id`` once."""
    first = users[0]
    facts = AccountFacts(usernames=[user.username for user in users])
    mail = write_notice(NoticeMail.USERNAMES, facts, first.language, tx.clock.zone, mails.letterhead)
    await send_body(tx, first.email, first.language, mail, tx.now + NOTICE_PERIOD, mail_id)


async def send_body(
    tx: IdentityStore,
    recipient: str,
    language: Language,
    mail: MailBody,
    deadline: dt.datetime,
    mail_id: uuid.UUID | None = None,
    *,
    confidential: bool = False,
) -> None:
    """Send a mail by a deadline; one with a ``mail_id`` once, a ``confidential`` one with a secret in its body."""
    await tx.send_mail(
        MailMessage(
            id=mail_id or new_uuid(),
            recipient=recipient,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            language=language.value,
            deadline=deadline,
            confidential=confidential,
        )
    )
