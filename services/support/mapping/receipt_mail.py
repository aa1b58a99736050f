"""The mail of a contact form's receipt (S1, S5)."""

import datetime as dt
from html import escape
from pathlib import Path

import msgspec

from services.chassis.texts.catalogue import load_catalogue
from services.contracts.identity import Language
from services.support.domain.ticket import TicketRecord

TEXTS = Path(__file__).parents[1] / "texts"

_HTML = """\
<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><title>{subject}</title></head>
<body style="font-family: sans-serif; line-height: 1.5">
<h1 style="font-size: 1.3em">{subject}</h1>
<p>{greeting}</p>
<p>{received}</p>
<table role="presentation">
{lines}
</table>
<p>{reached}</p>
<p>{message_caption}:</p>
<blockquote style="white-space: pre-wrap; margin: 0; padding-left: 1em">{message}</blockquote>
<p>{mention}<br>{no_reply}</p>
</body>
</html>
"""
_TEXT = """\
{greeting}

{received}

{lines}

{reached}

{message_caption}:
{message}

{mention}
{no_reply}
"""


class ReceiptMail(msgspec.Struct, frozen=True):
    """A receipt in one language, as plain text and as HTML."""

    subject: str
    text: str
    html: str


def write_receipt(ticket: TicketRecord, language: Language, zone: dt.tzinfo) -> ReceiptMail:
    """Return the mail of a ticket's receipt. The message is quoted in the text and escaped in the HTML."""
    texts = load_catalogue(TEXTS, language)
    fields = {
        "language": language.value,
        "subject": texts.text("RECEIPT.SUBJECT"),
        "greeting": texts.text("RECEIPT.GREETING"),
        "received": texts.text("RECEIPT.RECEIVED", moment=ticket.opened_at.astimezone(zone)),
        "reached": texts.text(f"RECEIPT.CONTACT.{ticket.contact_preference.name}", phone=ticket.phone),
        "message_caption": texts.text("RECEIPT.MESSAGE"),
        "mention": texts.text("RECEIPT.MENTION"),
        "no_reply": texts.text("RECEIPT.NO_REPLY"),
    }
    lines = [
        (texts.text("RECEIPT.NUMBER"), ticket.number),
        (texts.text("RECEIPT.TOPIC"), texts.text(f"TOPIC.{ticket.topic.name}")),
        (texts.text("RECEIPT.SITE"), ticket.site_number),
    ]
    return ReceiptMail(
        subject=fields["subject"],
        text=_TEXT.format(
            lines="\n".join(f"{caption}: {value}" for caption, value in lines),
            message="\n".join(f"> {line}" for line in ticket.message.split("\n")),
            **fields,
        ),
        html=_HTML.format(
            lines="\n".join(f"<tr><td>{escape(caption)}</td><td>{escape(value)}</td></tr>" for caption, value in lines),
            message=escape(ticket.message),
            **{name: escape(text) for name, text in fields.items()},
        ),
    )
