"""The receipt of a contact form (S1, S5): its mail, and the delay before a retry."""

import datetime as dt
from html import escape

import msgspec

from services.contracts.identity import Language
from services.support.domain.texts import en, fi, nb, sv
from services.support.domain.ticket import TicketRecord

TEXTS = {Language.FI: fi.RECEIPT, Language.SV: sv.RECEIPT, Language.NB: nb.RECEIPT, Language.EN: en.RECEIPT}

_MAX_RETRY_DELAY_S = 600

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
    texts = TEXTS[language]
    fields = {
        "language": language.value,
        "subject": texts.subject,
        "greeting": texts.greeting,
        "received": texts.received.format(moment=texts.moment.format(at=ticket.opened_at.astimezone(zone))),
        "reached": texts.reached[ticket.contact_preference].format(phone=ticket.phone),
        "message_caption": texts.message,
        "mention": texts.mention,
        "no_reply": texts.no_reply,
    }
    lines = [
        (texts.number, ticket.number),
        (texts.topic, texts.topics[ticket.topic]),
        (texts.site, ticket.site_number),
    ]
    return ReceiptMail(
        subject=texts.subject,
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


def retry_delay_s(attempts: int) -> int:
    """Return the seconds until the next attempt, after so many that failed: 1, 2, 4, ... and ten minutes at most."""
    return min(_MAX_RETRY_DELAY_S, 1 << min(attempts - 1, 10))
