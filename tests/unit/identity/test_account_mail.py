"""Mails about accounts in four languages, as plain text and HTML."""

import datetime as dt
import re
import zoneinfo
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.mail_body.renderer import MailBody
from services.chassis.runtime.settings import Letterhead
from services.contracts.identity.people import Language
from services.identity.domain.link import LinkPurpose
from services.identity.mapping.account_mail import AccountFacts, LinkMail, NoticeMail, write_link_mail, write_notice

LETTERHEAD = Letterhead(name="Lännen Kierto Oy", address=["Satamatie 12", "20100 Turku"])
HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
NOW = dt.datetime(2026, 3, 4, 7, 5, tzinfo=dt.UTC)
PORTAL = "https://oma.example.fi/"
SECRET = "n0t-a-s3cret_x"
FACTS = AccountFacts(
    usernames=["Mirja Meri", "mirja@example.com"],
    email="uusi@example.com",
    changed_at=NOW,
    sessions_ended=3,
    valid_until=NOW,
)

EACH_LANGUAGE = pytest.mark.parametrize("language", list(Language))


def with_link(kind: LinkMail, language: Language, facts: AccountFacts = FACTS, portal_url: str = PORTAL) -> MailBody:
    return write_link_mail(kind, facts, language, HELSINKI, LETTERHEAD, portal_url=portal_url, secret=SECRET)


def check_both_say_the_same(mail: MailBody, language: Language) -> None:
    """Check that the plain text and the HTML of a mail say the same."""
    assert "None" not in mail.text + mail.html
    assert f'<html lang="{language.value}" ' in mail.html
    shown = _text_of(mail.html).replace(mail.subject, "", 1).split()
    # The HTML has the operator's name at its top, too.
    name = LETTERHEAD.name.split()
    assert shown[: len(name)] == name
    body = " ".join(shown[len(name) :]).removeprefix(mail.subject)
    assert _words(body.replace(mail.subject, "", 1)) == _words(
        mail.text.replace("-- ", "").replace(mail.subject, "", 1)
    )


def _words(text: str) -> list[str]:
    return text.replace(":", " ").split()


class _Parser(HTMLParser):
    """A parser that collects the text that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden = tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += f"{data} "


def _text_of(html: str) -> str:
    parser = _Parser()
    parser.feed(html)
    return parser.text


def test_each_purpose_of_links_has_a_mail() -> None:
    assert {kind.name for kind in LinkMail} == {purpose.name for purpose in LinkPurpose}


@EACH_LANGUAGE
@pytest.mark.parametrize("kind", list(LinkMail))
@pytest.mark.parametrize("portal_url", [PORTAL, ""])
def test_text_and_html_of_a_link_say_the_same(kind: LinkMail, language: Language, portal_url: str) -> None:
    mail = with_link(kind, language, portal_url=portal_url)
    check_both_say_the_same(mail, language)
    address = f"https://oma.example.fi/{kind.value}#{SECRET}"
    assert (f'href="{address}"' in mail.html, address in mail.text) == ((True, True) if portal_url else (False, False))
    assert SECRET in mail.text


@EACH_LANGUAGE
@pytest.mark.parametrize("kind", list(NoticeMail))
def test_text_and_html_of_a_notice_say_the_same(kind: NoticeMail, language: Language) -> None:
    mail = write_notice(kind, FACTS, language, HELSINKI, LETTERHEAD)
    check_both_say_the_same(mail, language)
    assert "href=" not in mail.html


@EACH_LANGUAGE
@pytest.mark.parametrize("kind", list(NoticeMail))
def test_what_is_not_known_is_left_out(kind: NoticeMail, language: Language) -> None:
    mail = write_notice(kind, AccountFacts(usernames=["Mirja Meri"]), language, HELSINKI, LETTERHEAD)
    check_both_say_the_same(mail, language)
    assert len(re.findall("<tr><th", mail.html)) == 1


def test_the_mail_that_verifies_an_address_in_finnish() -> None:
    facts = AccountFacts(usernames=["Mirja Meri"], valid_until=NOW)
    mail = with_link(LinkMail.VERIFY_EMAIL, Language.FI, facts)
    assert mail.subject == "Vahvista sähköpostiosoitteesi"
    assert mail.text == (
        "Hei!\n\n"
        "Tällä sähköpostiosoitteella on luotu käyttäjätili. Vahvista, että osoite on sinun, jotta voimme lähettää "
        "viestimme siihen.\n\n"
        f"Vahvista osoite:\nhttps://oma.example.fi/verify-email#{SECRET}\n\n"
        "Käyttäjätunnus: Mirja Meri\nVoimassaolo päättyy: 4.3.2026 klo 9.05\n\n"
        "Jos et ole luonut tiliä, sinun ei tarvitse tehdä mitään: ilman vahvistusta emme lähetä tähän osoitteeseen "
        "muita viestejä.\n\n"
        "Tämä on automaattinen viesti, eikä siihen voi vastata.\n\n\n"
        "-- \nLännen Kierto Oy\nSatamatie 12\n20100 Turku\n"
    )


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1) | st.just("</td><script>{{ 7 * 7 }} {0} %s &lt;"))
def test_a_username_is_shown_and_never_interpreted(username: str) -> None:
    mail = write_notice(
        NoticeMail.USERNAME_CHANGED, AccountFacts(usernames=[username]), Language.EN, HELSINKI, LETTERHEAD
    )
    assert f"Username: {username}\n" in mail.text
    assert " ".join(username.split()) in " ".join(_text_of(mail.html).split())
    assert "<script" not in mail.html
