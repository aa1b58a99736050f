"""Mails about invitations in four languages, as plain text and HTML."""

import datetime as dt
import uuid

import msgspec
import pytest

from services.contracts.identity.people import Language
from services.contracts.permission import Role
from services.identity.domain.invitation import InvitationRecord
from services.identity.domain.member import AccessRecord
from services.identity.mapping.invitation_mail import InvitationFacts, write_acceptance, write_invitation
from tests.unit.identity.test_account_mail import HELSINKI, LETTERHEAD, NOW, PORTAL, SECRET, check_both_say_the_same

ACCESS = AccessRecord(role=Role.EDITOR, billing=True, site_ids=[uuid.UUID(int=1)], until=dt.date(2026, 12, 31))
INVITATION = InvitationRecord(
    id=uuid.UUID(int=1),
    organisation_id=uuid.UUID(int=2),
    email="kaisa@example.fi",
    language=Language.FI,
    access=ACCESS,
    invited_by=uuid.UUID(int=3),
    invited_at=NOW,
    sent_at=NOW,
    expires_at=NOW + dt.timedelta(days=14),
)
FACTS = InvitationFacts(organisation="As Oy Mirja", invitation=INVITATION, inviter="mirja <i>", member="kaisa & co")

EACH_LANGUAGE = pytest.mark.parametrize("language", list(Language))


@EACH_LANGUAGE
@pytest.mark.parametrize("portal_url", [PORTAL, ""])
@pytest.mark.parametrize("inviter", ["mirja <i>", None])
def test_an_invitation_says_the_same_as_text_and_html(language: Language, portal_url: str, inviter: str | None) -> None:
    facts = msgspec.structs.replace(FACTS, inviter=inviter)
    mail = write_invitation(facts, language, HELSINKI, LETTERHEAD, portal_url=portal_url, secret=SECRET)
    check_both_say_the_same(mail, language)
    assert ("https://oma.example.fi/invitation#" + SECRET in mail.text) is bool(portal_url)
    assert SECRET in mail.text
    assert (inviter or LETTERHEAD.name) in mail.text
    assert "<i>" not in mail.html
    assert "As Oy Mirja" in mail.text
    assert "As Oy Mirja" not in mail.subject, "a name is personal data, a household's, too"


@EACH_LANGUAGE
def test_an_unlimited_access_has_no_last_day_and_no_prices(language: Language) -> None:
    everything = AccessRecord(role=Role.ADMIN, billing=False, site_ids=None, until=None)
    facts = msgspec.structs.replace(FACTS, invitation=msgspec.structs.replace(INVITATION, access=everything))
    limited, unlimited = (
        write_invitation(one, language, HELSINKI, LETTERHEAD, portal_url=PORTAL, secret=SECRET).text.count("\n")
        for one in (FACTS, facts)
    )
    assert limited - unlimited == 2


@EACH_LANGUAGE
@pytest.mark.parametrize("other_email", [True, False])
def test_an_acceptance_says_the_same_as_text_and_html(language: Language, other_email: bool) -> None:
    facts = msgspec.structs.replace(FACTS, invitation=msgspec.structs.replace(INVITATION, other_email=other_email))
    mail = write_acceptance(facts, language, LETTERHEAD)
    check_both_say_the_same(mail, language)
    assert "kaisa & co" in mail.text
    assert "kaisa@example.fi" in mail.text
    assert "href=" not in mail.html
    assert (mail.text == write_acceptance(FACTS, language, LETTERHEAD).text) is not other_email
