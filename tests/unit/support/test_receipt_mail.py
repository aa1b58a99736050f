"""S1, S5: the receipt in four languages, as plain text and HTML."""

import datetime as dt
import uuid
import zoneinfo
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.mail_body.renderer import MailBody
from services.chassis.runtime.settings import Letterhead
from services.contracts.identity.people import Language
from services.contracts.support.tickets import Channel, ContactPreference, TicketState, Topic
from services.support.domain.receipt import retry_delay_s
from services.support.domain.ticket import TicketRecord, ticket_number
from services.support.mapping.receipt_mail import write_receipt

LETTERHEAD = Letterhead(name="Lännen Kierto Oy", address=["Satamatie 12", "20100 Turku"])
HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
TICKET = TicketRecord(
    id=uuid.UUID(int=1),
    number=ticket_number(2026, 123),
    organisation_id=uuid.UUID(int=2),
    site_id=uuid.UUID(int=3),
    site_number="50",
    user_id=uuid.UUID(int=4),
    topic=Topic.CONTAINER,
    channel=Channel.PORTAL,
    state=TicketState.NEW,
    contact_preference=ContactPreference.PHONE,
    opened_at=dt.datetime(2026, 3, 4, 7, 5, tzinfo=dt.UTC),
    updated_at=dt.datetime(2026, 3, 4, 7, 5, tzinfo=dt.UTC),
    version=1,
)
MESSAGE, PHONE = "Kansi on rikki.\nVoitteko vaihtaa?", "+358 40 1234567"


def receipt(
    language: Language, ticket: TicketRecord = TICKET, message: str = MESSAGE, phone: str | None = PHONE
) -> MailBody:
    return write_receipt(ticket, message, phone, language, HELSINKI, LETTERHEAD)


def test_the_receipt_in_finnish() -> None:
    mail = receipt(Language.FI)
    assert mail.subject == "Palaute vastaanotettu"
    assert mail.text == (
        "Hei!\n\n"
        "Kiitos palautteestasi. Vastaanotimme sen 4.3.2026 klo 9.05.\n\n"
        "Tunnus: T-2026-000123\nAihe: Jäteastia\nKohteen numero: 50\n\n"
        "Soitamme sinulle numeroon +358 40 1234567.\n\n"
        "Viestisi:\n> Kansi on rikki.\n> Voitteko vaihtaa?\n\n"
        "Mainitse tunnus, jos otat yhteyttä asiakaspalveluun.\n"
        "Tämä on automaattinen viesti, eikä siihen voi vastata.\n\n\n"
        "-- \nLännen Kierto Oy\nSatamatie 12\n20100 Turku\n"
    )


@pytest.mark.parametrize(
    ("language", "moment"),
    [
        (Language.FI, "4.3.2026 klo 9.05"),
        (Language.SV, "4 mars 2026 kl. 9.05"),
        (Language.NB, "4. mars 2026 kl. 09:05"),
        (Language.EN, "4 Mar 2026 at 09:05"),
    ],
)
def test_a_moment_is_in_the_operators_zone_and_the_languages_format(language: Language, moment: str) -> None:
    mail = receipt(language)
    assert moment in mail.text
    assert moment in mail.html


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("topic", list(Topic))
@pytest.mark.parametrize("preference", list(ContactPreference))
def test_text_and_html_say_the_same(language: Language, topic: Topic, preference: ContactPreference) -> None:
    phone = PHONE if preference is ContactPreference.PHONE else None
    ticket = msgspec.structs.replace(TICKET, topic=topic, contact_preference=preference)
    mail = receipt(language, ticket, phone=phone)
    assert "None" not in mail.text
    assert f'<html lang="{language.value}" ' in mail.html
    # The HTML has the operator's name at its top, too, and what mailboxes show beside the subject.
    shown = _parse(mail.html).text.replace(mail.subject, "").split()
    assert shown[:4] == [ticket.number, *LETTERHEAD.name.split()]
    assert (
        " ".join(shown[4:]).replace(":", "").split()
        == mail.text.replace("> ", "").replace("-- ", "").replace(":", "").split()
    )


@given(
    st.text(min_size=1)
    | st.sampled_from(
        [
            "<script>alert(1)</script>",
            "{phone} {0} %s",
            "{{ 7 * 7 }}{% for x in y %}",
            "&lt;b&gt;",
            "\"'</blockquote>",
            "</td></mj-text><mj-raw><b>",
        ]
    )
)
def test_a_message_is_shown_and_never_interpreted(message: str) -> None:
    ticket = msgspec.structs.replace(TICKET, site_number="<50>")
    mail = receipt(Language.FI, ticket, message)
    shown = _parse(mail.html)
    assert shown.quoted == message
    plain = _parse(receipt(Language.FI).html)
    assert [tag for tag in shown.tags if tag != "br"] == [tag for tag in plain.tags if tag != "br"]
    quoted = "\n".join(f"> {line}" for line in message.split("\n"))
    assert f"\n{quoted}\n\nMainitse" in mail.text


def test_the_delay_between_attempts_grows() -> None:
    assert [retry_delay_s(attempts) for attempts in (1, 2, 3, 9, 10, 11, 5000)] == [1, 2, 4, 256, 512, 600, 600]


class _Parser(HTMLParser):
    """A parser that collects the tags in their order, the text that is shown, and that inside the quotation."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.quoted = ""
        self.text = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "br" and "blockquote" in self._open:
            self.quoted += "\n"
        if tag not in ("br", "meta", "img"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self._open):
            self.text += data + " "
        if "blockquote" in self._open:
            self.quoted += data


def _parse(html: str) -> _Parser:
    parsed = _Parser()
    parsed.feed(html)
    assert parsed._open == []
    return parsed
