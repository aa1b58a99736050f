"""S4, S5: the mail of each kind of message in four languages, as plain text and HTML."""

import datetime as dt
import itertools
import uuid
import zoneinfo
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.mail_body.renderer import MailBody
from services.chassis.runtime.settings import Letterhead
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.people import Language
from services.contracts.imports import Import
from services.contracts.orders.orders import OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.orders.summaries import OrderSummary, PickupSummary
from services.contracts.sites import Address, Fraction, SiteContact
from services.contracts.support.messages import MessageKind
from services.contracts.support.thread import EntryKind
from services.contracts.support.tickets import Channel, ContactPreference, TicketState
from services.contracts.ticket_requests import Topic
from services.support.domain.message import CauseRecord
from services.support.domain.message_facts import MessageFacts
from services.support.domain.message_kind import RULES, Subject
from services.support.domain.ticket import EntryRecord, SenderContact, TicketRecord, ticket_number
from services.support.mapping.message_mail import describe_failure, write_message

LETTERHEAD = Letterhead(name="Lännen Kierto Oy", address=["Satamatie 12", "20100 Turku"])
HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
NOW = dt.datetime(2026, 3, 4, 7, 5, tzinfo=dt.UTC)
DAY, USUAL_DAY = dt.date(2026, 12, 28), dt.date(2026, 12, 25)
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
    opened_at=NOW,
    updated_at=NOW,
    version=1,
)
ENTRY = EntryRecord(
    id=TICKET.id,
    ticket_id=TICKET.id,
    kind=EntryKind.MESSAGE,
    channel=Channel.PORTAL,
    author_id=TICKET.user_id,
    text="Kansi on rikki.\nVoitteko vaihtaa?",
    at=NOW,
)
SENDER = SenderContact(ticket_id=TICKET.id, phone="+358 40 1234567")
ORDER = OrderSummary(
    id="order_1", number="ORD-2026-000123", state=OrderState.SCHEDULED, fraction=Fraction.GLASS, date=DAY
)
PICKUP = PickupSummary(
    id="pickup_1",
    state=PickupState.PLANNED,
    fraction=Fraction.RESIDUAL,
    date=DAY,
    planned_on=USUAL_DAY,
    failure="Portti oli lukossa",
)
IMPORT = Import(
    id="import_sites_1",
    kind="sites",
    state=BulkOperationState.DONE,
    total=12,
    done=12,
    succeeded=11,
    failed=1,
    file_name="sites.csv",
    dry_run=True,
    added=11,
    changed=0,
    unchanged=0,
)
SITE = SiteContact(
    site_id="site_1",
    address=Address(street="Ekokaari 50", postal_code="46860", city="Keltakangas"),
    contact_person=None,
)

EVERY_MAIL = pytest.mark.parametrize(("kind", "language"), list(itertools.product(MessageKind, Language)))


def facts_of(kind: MessageKind) -> MessageFacts:
    """Return the facts of a message of a kind, all that it can tell."""
    subject = RULES[kind].subject
    of_ticket = subject in (Subject.TICKET, Subject.ENTRY)
    return MessageFacts(
        cause=CauseRecord(
            id=uuid.UUID(int=9),
            kind=kind,
            key="1",
            subject=TICKET.id,
            organisation_id=TICKET.organisation_id,
            site_id=TICKET.site_id,
            at=NOW,
            first_due_at=NOW,
            due_at=NOW,
        ),
        ticket=TICKET if of_ticket else None,
        entry=ENTRY if of_ticket else None,
        sender=SENDER if of_ticket else None,
        order=ORDER if subject is Subject.ORDER else None,
        pickup=PICKUP if subject is Subject.PICKUP else None,
        done_import=IMPORT if subject is Subject.IMPORT else None,
        site_number="50",
        site=SITE,
    )


def written(facts: MessageFacts, language: Language = Language.FI) -> MailBody:
    return write_message(facts, language, HELSINKI, LETTERHEAD)


def receipt(language: Language = Language.FI, **changed: object) -> MailBody:
    return written(msgspec.structs.replace(facts_of(MessageKind.RECEIPT), **changed), language)


def check_both_say_the_same(mail: MailBody, language: Language, preview: str) -> None:
    """Check that the plain text and the HTML of a mail say the same."""
    assert "None" not in mail.text
    assert f'<html lang="{language.value}" ' in mail.html
    # The HTML has the operator's name at its top, too, and what mailboxes show beside the subject.
    shown = _parse(mail.html).text.replace(mail.subject, "").split()
    before = [*preview.split(), *LETTERHEAD.name.split()]
    assert shown[: len(before)] == before
    assert (
        " ".join(shown[len(before) :]).replace(":", "").split()
        == mail.text.replace("> ", "").replace("-- ", "").replace(":", "").split()
    )


def test_the_receipt_in_finnish() -> None:
    mail = receipt()
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
    ("kind", "subject", "told"),
    [
        (MessageKind.RECEIPT, "We have received your message", "> Kansi on rikki.\n> Voitteko vaihtaa?"),
        (MessageKind.TICKET_ANSWER, "Answer from customer service", "> Kansi on rikki.\n> Voitteko vaihtaa?"),
        (
            MessageKind.ORDER_CONFIRMED,
            "Your order is confirmed",
            "Order number: ORD-2026-000123\nWaste: Glass packaging\nDay: 28 Dec 2026\nSite number: 50\n"
            "Address: Ekokaari 50, 46860 Keltakangas\n",
        ),
        (
            MessageKind.DAY_CHANGED,
            "The day of your pickup changes",
            "The pickup that was planned for 25 Dec 2026 is on 28 Dec 2026.\n\nWaste: Residual waste\n",
        ),
        (MessageKind.IMPORT_FINISHED, "The import is done", "File: sites.csv\nRows processed: 12\nBad rows: 1\n"),
        (MessageKind.COULD_NOT_EMPTY, "We could not empty your bins", "Reason: Portti oli lukossa\n"),
    ],
)
def test_what_each_kind_tells(kind: MessageKind, subject: str, told: str) -> None:
    mail = written(facts_of(kind), Language.EN)
    assert mail.subject == subject
    assert told in mail.text


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


@EVERY_MAIL
def test_text_and_html_say_the_same(kind: MessageKind, language: Language) -> None:
    mail = written(facts_of(kind), language)
    preview = {
        Language.FI: "28.12.2026",
        Language.SV: "28 dec. 2026",
        Language.NB: "28. des. 2026",
        Language.EN: "28 Dec 2026",
    }[language]
    previews = {Subject.TICKET: TICKET.number, Subject.ENTRY: TICKET.number, Subject.ORDER: ORDER.number}
    preview = previews.get(RULES[kind].subject, preview if RULES[kind].subject is Subject.PICKUP else IMPORT.file_name)
    check_both_say_the_same(mail, language, preview)


@EVERY_MAIL
def test_what_is_not_known_is_left_out(kind: MessageKind, language: Language) -> None:
    facts = facts_of(kind)
    sparse = msgspec.structs.replace(
        facts,
        sender=None,
        ticket=msgspec.structs.replace(TICKET, site_number="", contact_preference=ContactPreference.NONE),
        order=msgspec.structs.replace(ORDER, fraction=None, date=None),
        pickup=msgspec.structs.replace(PICKUP, fraction=None, failure=None),
        site_number="",
        site=None,
    )
    mail = written(sparse, language)
    assert "None" not in mail.text + mail.html
    assert ": \n" not in mail.text


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("topic", list(Topic))
@pytest.mark.parametrize("preference", list(ContactPreference))
def test_a_receipt_of_each_topic_and_preference(
    language: Language, topic: Topic, preference: ContactPreference
) -> None:
    ticket = msgspec.structs.replace(TICKET, topic=topic, contact_preference=preference)
    sender = SENDER if preference is ContactPreference.PHONE else None
    check_both_say_the_same(receipt(language, ticket=ticket, sender=sender), language, TICKET.number)


@pytest.mark.parametrize("language", list(Language))
def test_the_receipt_of_a_public_form_quotes_nothing(language: Language) -> None:
    ticket = msgspec.structs.replace(TICKET, channel=Channel.PUBLIC_FORM, site_number="")
    mail = receipt(language, ticket=ticket)
    assert "Kansi" not in mail.text + mail.html
    assert "1234567" not in mail.text + mail.html
    check_both_say_the_same(mail, language, TICKET.number)


@pytest.mark.parametrize(("count", "told"), [(1, "1 liite,"), (2, "2 liitettä,")])
def test_an_answer_says_how_many_files_it_has(count: int, told: str) -> None:
    entry = msgspec.structs.replace(ENTRY, file_ids=[uuid.UUID(int=number) for number in range(count)])
    mail = written(msgspec.structs.replace(facts_of(MessageKind.TICKET_ANSWER), entry=entry))
    assert told in mail.text
    check_both_say_the_same(mail, Language.FI, TICKET.number)


def test_a_pickup_that_is_on_its_usual_day_again() -> None:
    pickup = msgspec.structs.replace(PICKUP, date=USUAL_DAY)
    mail = written(msgspec.structs.replace(facts_of(MessageKind.DAY_CHANGED), pickup=pickup), Language.EN)
    assert "The pickup is on its usual day after all, 25 Dec 2026." in mail.text


@EVERY_MAIL
def test_a_failure_names_the_kind_and_the_subject(kind: MessageKind, language: Language) -> None:
    assert "order_123" in describe_failure(kind, "order_123", language)


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
    mail = receipt(ticket=ticket, entry=msgspec.structs.replace(ENTRY, text=message))
    shown = _parse(mail.html)
    assert shown.quoted == message
    plain = _parse(receipt().html)
    assert [tag for tag in shown.tags if tag != "br"] == [tag for tag in plain.tags if tag != "br"]
    quoted = "\n".join(f"> {line}" for line in message.split("\n"))
    assert f"\n{quoted}\n\nMainitse" in mail.text


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
