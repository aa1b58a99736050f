"""Messages to people as mails: one layout for all kinds, and what each says."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from services.chassis.mail_body.renderer import MailBody, load_template
from services.chassis.runtime.settings import Letterhead
from services.chassis.texts.catalogue import Catalogue, load_catalogue
from services.chassis.texts.formats import format_date, format_number
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.people import Language
from services.contracts.sites import Fraction, SiteContact
from services.contracts.support.messages import MessageKind
from services.contracts.support.tickets import Channel
from services.support.domain.message_facts import MessageFacts
from services.support.domain.ticket import TicketRecord

_SUPPORT = Path(__file__).parents[1]
TEXTS = _SUPPORT / "texts"
MAIL = _SUPPORT / "mail"

Line = tuple[str, str]
"""A caption and its value."""


class Quotation(msgspec.Struct, frozen=True):
    """A text that someone wrote."""

    caption: str
    lines: list[str]


class MessageContent(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a message in the recipient's language, from top to bottom."""

    subject: str
    preview: str = ""
    """Is shown by mailboxes beside the subject."""
    introduction: list[str]
    """Paragraphs."""
    lines: list[Line]
    """A table, without empty values."""
    explanation: list[str] = []
    """Paragraphs below the table."""
    quotation: Quotation | None = None
    notes: list[str] = []
    """Small lines at the end."""


def write_message(
    facts: MessageFacts, language: Language, zone: dt.tzinfo, letterhead: Letterhead, unsubscribe: str | None = None
) -> MailBody:
    """Return the mail of a message, with the link by which its kind is switched off."""
    texts = load_catalogue(TEXTS, language)
    content = CONTENTS[facts.cause.kind](facts, texts, zone)
    return load_template(MAIL, "message").render(
        texts, letterhead, subject=content.subject, preview=content.preview, content=content, unsubscribe=unsubscribe
    )


def describe_kind(kind: MessageKind, language: Language) -> str:
    """Return what messages of a kind tell."""
    return load_catalogue(TEXTS, language).text(f"KIND.{kind.name}")


def describe_held_messages(language: Language) -> str:
    """Return the text of the ticket about messages that are held after a restore."""
    return load_catalogue(TEXTS, language).text("HELD.MESSAGES")


def describe_failure(kind: MessageKind, subject: str, language: Language) -> str:
    """Return the text of the ticket about a message that could not be sent."""
    texts = load_catalogue(TEXTS, language)
    return texts.text("FAILED.MESSAGE", kind=describe_kind(kind, language), subject=subject)


def describe_undelivered(kind: MessageKind, status: str, language: Language) -> str:
    """Return the note about a mail that came back with a status, or without one that was not sent at all."""
    texts = load_catalogue(TEXTS, language)
    described = describe_kind(kind, language)
    return texts.text("BOUNCED", kind=described, status=status) if status else texts.text("SUPPRESSED", kind=described)


def describe_placing(site_number: str, language: Language) -> str:
    """Return the note about a ticket that the staff gave to a site."""
    return load_catalogue(TEXTS, language).text("PLACED", site=site_number)


def _receipt(facts: MessageFacts, texts: Catalogue, zone: dt.tzinfo) -> MessageContent:
    ticket, entry = _of_ticket(facts)
    # The address of a public form is of anyone: what was written is not sent there.
    quoted = ticket.channel is not Channel.PUBLIC_FORM
    phone = facts.sender.phone if facts.sender else None
    contact = texts.text(f"RECEIPT.CONTACT.{ticket.contact_preference.name}", phone=phone)
    return MessageContent(
        subject=texts.text("RECEIPT.SUBJECT"),
        preview=ticket.number,
        introduction=[texts.text("RECEIPT.RECEIVED", moment=ticket.opened_at.astimezone(zone))],
        lines=_ticket_lines(ticket, texts),
        explanation=[contact] if quoted else [],
        quotation=Quotation(texts.text("RECEIPT.MESSAGE"), entry.split("\n")) if quoted else None,
        notes=[texts.text("MAIL.MENTION")],
    )


def _ticket_answer(facts: MessageFacts, texts: Catalogue, zone: dt.tzinfo) -> MessageContent:
    ticket, entry = _of_ticket(facts)
    files = len(facts.entry.file_ids) if facts.entry else 0
    return MessageContent(
        subject=texts.text("TICKET_ANSWER.SUBJECT"),
        preview=ticket.number,
        introduction=[texts.text("TICKET_ANSWER.INTRO")],
        lines=_ticket_lines(ticket, texts),
        explanation=[texts.text("TICKET_ANSWER.FILES", count=files)] if files else [],
        quotation=Quotation(texts.text("TICKET_ANSWER.ANSWER"), entry.split("\n")),
        notes=[texts.text("MAIL.MENTION")],
    )


def _order_confirmed(facts: MessageFacts, texts: Catalogue, zone: dt.tzinfo) -> MessageContent:
    order = facts.order
    assert order is not None, "the cause holds"
    return MessageContent(
        subject=texts.text("ORDER_CONFIRMED.SUBJECT"),
        preview=order.number,
        introduction=[texts.text("ORDER_CONFIRMED.INTRO")],
        lines=_filled(
            (texts.text("LINE.ORDER"), order.number),
            (texts.text("LINE.FRACTION"), _fraction(order.fraction, texts)),
            (texts.text("LINE.DAY"), _day(order.date, texts)),
            *_site_lines(facts, texts),
        ),
    )


def _day_changed(facts: MessageFacts, texts: Catalogue, zone: dt.tzinfo) -> MessageContent:
    pickup = facts.pickup
    assert pickup is not None, "the cause holds"
    told = texts.text("DAY_CHANGED.INTRO", planned_on=pickup.planned_on, day=pickup.date)
    if pickup.date == pickup.planned_on:
        told = texts.text("DAY_CHANGED.BACK", day=pickup.date)
    return MessageContent(
        subject=texts.text("DAY_CHANGED.SUBJECT"),
        preview=_day(pickup.date, texts),
        introduction=[told],
        lines=_filled((texts.text("LINE.FRACTION"), _fraction(pickup.fraction, texts)), *_site_lines(facts, texts)),
    )


def _could_not_empty(facts: MessageFacts, texts: Catalogue, zone: dt.tzinfo) -> MessageContent:
    pickup = facts.pickup
    assert pickup is not None, "the cause holds"
    return MessageContent(
        subject=texts.text("COULD_NOT_EMPTY.SUBJECT"),
        preview=_day(pickup.date, texts),
        introduction=[texts.text("COULD_NOT_EMPTY.INTRO")],
        lines=_filled(
            (texts.text("LINE.DAY"), _day(pickup.date, texts)),
            (texts.text("LINE.FRACTION"), _fraction(pickup.fraction, texts)),
            (texts.text("LINE.REASON"), pickup.failure or ""),
            *_site_lines(facts, texts),
        ),
        explanation=[texts.text("COULD_NOT_EMPTY.HELP")],
    )


def _import_finished(facts: MessageFacts, texts: Catalogue, zone: dt.tzinfo) -> MessageContent:
    done = facts.done_import
    assert done is not None, "the cause holds"
    failed = done.state is BulkOperationState.FAILED
    return MessageContent(
        subject=texts.text("IMPORT_FINISHED.FAILED") if failed else texts.text("IMPORT_FINISHED.DONE"),
        preview=done.file_name,
        introduction=[texts.text("IMPORT_FINISHED.DRY_RUN")] if done.dry_run else [],
        lines=[
            (texts.text("LINE.FILE"), done.file_name),
            (texts.text("LINE.ROWS"), format_number(done.done, texts.language)),
            (texts.text("LINE.BAD_ROWS"), format_number(done.failed, texts.language)),
        ],
    )


CONTENTS: Mapping[MessageKind, Callable[[MessageFacts, Catalogue, dt.tzinfo], MessageContent]] = {
    MessageKind.RECEIPT: _receipt,
    MessageKind.TICKET_ANSWER: _ticket_answer,
    MessageKind.ORDER_CONFIRMED: _order_confirmed,
    MessageKind.DAY_CHANGED: _day_changed,
    MessageKind.COULD_NOT_EMPTY: _could_not_empty,
    MessageKind.IMPORT_FINISHED: _import_finished,
}
"""The content of each kind of messages."""


def _of_ticket(facts: MessageFacts) -> tuple[TicketRecord, str]:
    """Return the ticket, and the text of its entry that is told of."""
    assert facts.ticket is not None, "the kind is about a ticket"
    assert facts.entry is not None, "the kind is about an entry"
    return facts.ticket, facts.entry.text


def _ticket_lines(ticket: TicketRecord, texts: Catalogue) -> list[Line]:
    return _filled(
        (texts.text("LINE.NUMBER"), ticket.number),
        (texts.text("LINE.TOPIC"), texts.text(f"TOPIC.{ticket.topic.name}")),
        (texts.text("LINE.SITE"), ticket.site_number),
    )


def _site_lines(facts: MessageFacts, texts: Catalogue) -> list[Line]:
    return [
        (texts.text("LINE.SITE"), facts.site_number),
        (texts.text("LINE.ADDRESS"), _address(facts.site)),
    ]


def _address(site: SiteContact | None) -> str:
    return f"{site.address.street}, {site.address.postal_code} {site.address.city}" if site else ""


def _fraction(fraction: Fraction | None, texts: Catalogue) -> str:
    return texts.text(f"FRACTION.{fraction.name}") if fraction else ""


def _day(day: dt.date | None, texts: Catalogue) -> str:
    return format_date(day, texts.language) if day else ""


def _filled(*lines: Line) -> list[Line]:
    return [line for line in lines if line[1]]
