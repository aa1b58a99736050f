"""Mails about invitations, in the layout of the mails about accounts."""

import datetime as dt

import msgspec

from services.chassis.mail_body.renderer import MailBody, load_template
from services.chassis.runtime.settings import Letterhead
from services.chassis.texts.catalogue import Catalogue, load_catalogue
from services.contracts.identity.people import Language
from services.identity.domain.invitation import InvitationRecord
from services.identity.mapping.account_mail import MAIL, TEXTS, Line, mailed_link

INVITATION_PAGE = "invitation"
"""The page of the portal on which an invitation is accepted."""


class InvitationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that a mail about an invitation tells."""

    organisation: str
    """The organisation's name."""
    invitation: InvitationRecord
    inviter: str | None = None
    """The username of the admin who invited; None: the operator's customer service."""
    member: str | None = None
    """The username of the one who accepted."""


def write_invitation(
    facts: InvitationFacts,
    language: Language,
    zone: dt.tzinfo,
    letterhead: Letterhead,
    *,
    portal_url: str,
    secret: str,
) -> MailBody:
    """Return the mail to the invitee, with the link that accepts the invitation."""
    texts = load_catalogue(TEXTS, language)
    organisation = facts.organisation
    if facts.inviter:
        introduction = texts.text("INVITATION.INTRODUCTION", inviter=facts.inviter, organisation=organisation)
    else:
        introduction = texts.text(
            "INVITATION.INTRODUCTION_BY_OPERATOR", inviter=letterhead.name, organisation=organisation
        )
    expires_at = facts.invitation.expires_at.astimezone(zone)
    return load_template(MAIL, "account").render(
        texts,
        letterhead,
        subject=texts.text("INVITATION.SUBJECT"),
        introduction=introduction,
        explanation=texts.text("INVITATION.EXPLANATION"),
        lines=[
            *_access_lines(facts, texts),
            (texts.text("LINE.VALID_UNTIL"), texts.text("MOMENT", moment=expires_at)),
        ],
        link=mailed_link(portal_url, INVITATION_PAGE, secret, texts.text("LINK.INVITATION"), texts),
    )


def write_acceptance(facts: InvitationFacts, language: Language, letterhead: Letterhead) -> MailBody:
    """Return the mail to the admin who invited, which says if the address is another one than the invited one."""
    texts = load_catalogue(TEXTS, language)
    member, email, organisation = facts.member or "", facts.invitation.email, facts.organisation
    if facts.invitation.other_email:
        introduction = texts.text(
            "ACCEPTANCE.INTRODUCTION_OTHER_EMAIL", member=member, email=email, organisation=organisation
        )
    else:
        introduction = texts.text("ACCEPTANCE.INTRODUCTION", member=member, email=email, organisation=organisation)
    return load_template(MAIL, "account").render(
        texts,
        letterhead,
        subject=texts.text("ACCEPTANCE.SUBJECT"),
        introduction=introduction,
        explanation=texts.text("ACCEPTANCE.EXPLANATION"),
        lines=_access_lines(facts, texts),
        link=None,
    )


def _access_lines(facts: InvitationFacts, texts: Catalogue) -> list[Line]:
    access = facts.invitation.access
    sites = texts.text("ALL_SITES") if access.site_ids is None else str(len(access.site_ids))
    lines = [
        (texts.text("LINE.ORGANISATION"), facts.organisation),
        (texts.text("LINE.ROLE"), texts.text(f"ROLE.{access.role.name}")),
        (texts.text("LINE.SITES"), sites),
    ]
    if access.billing:
        lines.append((texts.text("LINE.BILLING"), texts.text("YES")))
    if access.until is not None:
        lines.append((texts.text("LINE.LAST_DAY"), texts.text("DAY", day=access.until)))
    return lines
