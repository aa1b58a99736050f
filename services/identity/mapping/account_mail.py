"""Mails about a user's own account: one layout for all kinds, and what each says."""

import datetime as dt
import enum
from pathlib import Path

import msgspec

from services.chassis.mail_body.renderer import MailBody, load_template
from services.chassis.runtime.settings import Letterhead
from services.chassis.texts.catalogue import Catalogue, load_catalogue
from services.contracts.identity.people import Language

_IDENTITY = Path(__file__).parents[1]
TEXTS = _IDENTITY / "texts"
MAIL = _IDENTITY / "mail"

Line = tuple[str, str]
"""A caption and its value."""


class LinkMail(enum.Enum):
    """Mails with a one-time link, each for the purpose of the same name. The value is the page of the portal."""

    VERIFY_EMAIL = "verify-email"
    RESET_PASSWORD = "reset-password"  # noqa: S105 - a page, not a secret
    CONFIRM_NEW_EMAIL = "confirm-new-email"
    CONFIRM_OLD_EMAIL = "confirm-old-email"
    UNLOCK = "unlock"


class NoticeMail(enum.Enum):
    """Mails without a link."""

    USERNAMES = "USERNAMES"
    USERNAME_CHANGED = "USERNAME_CHANGED"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - a kind of mail, not a secret
    LANGUAGE_CHANGED = "LANGUAGE_CHANGED"


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that a mail tells."""

    usernames: list[str]
    email: str | None = None
    """The new address of the account."""
    changed_at: dt.datetime | None = None
    sessions_ended: int | None = None
    valid_until: dt.datetime | None = None
    """The end of the link."""


class MailedLink(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time link as its mail shows it: by its address, or without a portal by its secret alone."""

    caption: str
    value: str
    is_address: bool


def mailed_link(portal_url: str, page: str, secret: str, caption: str, texts: Catalogue) -> MailedLink:
    """Return a link to a page of the portal. The secret is in the fragment, which no browser sends to a server."""
    if not portal_url:
        return MailedLink(caption=texts.text("CODE"), value=secret, is_address=False)
    return MailedLink(caption=caption, value=f"{portal_url.rstrip('/')}/{page}#{secret}", is_address=True)


def write_link_mail(
    kind: LinkMail,
    facts: AccountFacts,
    language: Language,
    zone: dt.tzinfo,
    letterhead: Letterhead,
    *,
    portal_url: str,
    secret: str,
) -> MailBody:
    """Return a mail with a link."""
    texts = load_catalogue(TEXTS, language)
    link = mailed_link(portal_url, kind.value, secret, texts.text(f"LINK.{kind.name}"), texts)
    return _render(
        texts,
        letterhead,
        subject=texts.text(f"SUBJECT.{kind.name}"),
        introduction=texts.text(f"INTRODUCTION.{kind.name}"),
        explanation=texts.text(f"EXPLANATION.{kind.name}"),
        lines=_lines(facts, texts, zone),
        link=link,
    )


def write_notice(
    kind: NoticeMail, facts: AccountFacts, language: Language, zone: dt.tzinfo, letterhead: Letterhead
) -> MailBody:
    """Return a mail without a link."""
    texts = load_catalogue(TEXTS, language)
    return _render(
        texts,
        letterhead,
        subject=texts.text(f"NOTICE.{kind.name}"),
        introduction=texts.text(f"NOTICE_INTRODUCTION.{kind.name}"),
        explanation=texts.text(f"NOTICE_EXPLANATION.{kind.name}"),
        lines=_lines(facts, texts, zone),
        link=None,
    )


def _render(
    texts: Catalogue,
    letterhead: Letterhead,
    *,
    subject: str,
    introduction: str,
    explanation: str,
    lines: list[Line],
    link: MailedLink | None,
) -> MailBody:
    return load_template(MAIL, "account").render(
        texts, letterhead, subject=subject, introduction=introduction, explanation=explanation, lines=lines, link=link
    )


def _lines(facts: AccountFacts, texts: Catalogue, zone: dt.tzinfo) -> list[Line]:
    lines = [(texts.text("LINE.USERNAME"), username) for username in facts.usernames]
    if facts.email is not None:
        lines.append((texts.text("LINE.EMAIL"), facts.email))
    if facts.changed_at is not None:
        lines.append((texts.text("LINE.CHANGED_AT"), _moment(facts.changed_at.astimezone(zone), texts)))
    if facts.sessions_ended is not None:
        lines.append((texts.text("LINE.SESSIONS_ENDED"), str(facts.sessions_ended)))
    if facts.valid_until is not None:
        lines.append((texts.text("LINE.VALID_UNTIL"), _moment(facts.valid_until.astimezone(zone), texts)))
    return lines


def _moment(moment: dt.datetime, texts: Catalogue) -> str:
    return texts.text("MOMENT", moment=moment)
