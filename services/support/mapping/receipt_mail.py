"""The mail of a contact form's receipt (S1, S5)."""

import datetime as dt
from pathlib import Path

from services.chassis.mail_body.renderer import MailBody, load_template
from services.chassis.runtime.settings import Letterhead
from services.chassis.texts.catalogue import load_catalogue
from services.contracts.identity.people import Language
from services.support.domain.ticket import TicketRecord

_SUPPORT = Path(__file__).parents[1]
TEXTS = _SUPPORT / "texts"
MAIL = _SUPPORT / "mail"


def write_receipt(
    ticket: TicketRecord,
    message: str,
    phone: str | None,
    language: Language,
    zone: dt.tzinfo,
    letterhead: Letterhead,
) -> MailBody:
    """Return the mail of a ticket's receipt, which quotes the message."""
    texts = load_catalogue(TEXTS, language)
    return load_template(MAIL, "receipt").render(
        texts,
        letterhead,
        subject=texts.text("RECEIPT.SUBJECT"),
        preview=ticket.number,
        moment=ticket.opened_at.astimezone(zone),
        lines=[
            (texts.text("RECEIPT.NUMBER"), ticket.number),
            (texts.text("RECEIPT.TOPIC"), texts.text(f"TOPIC.{ticket.topic.name}")),
            (texts.text("RECEIPT.SITE"), ticket.site_number),
        ],
        contact=texts.text(f"RECEIPT.CONTACT.{ticket.contact_preference.name}", phone=phone),
        message=message.split("\n"),
    )
