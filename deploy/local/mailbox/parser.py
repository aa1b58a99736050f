"""Readable parts of a mail: headers, the text part, the HTML part. Malformed mail is shown, too."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from deploy.local.mailbox.store import Mail


def summary(mail: Mail) -> dict[str, Any]:
    """Return a mail's line of the list."""
    return {
        "id": mail.id,
        "receivedAt": mail.received_at.isoformat().replace("+00:00", "Z"),
        "from": mail.sender,
        "to": mail.recipients,
        "subject": _header(_parse(mail), "Subject"),
    }


def full(mail: Mail) -> dict[str, Any]:
    """Return a mail with all its parts. `text` or `html` is null if there is no such part."""
    message = _parse(mail)
    return summary(mail) | {
        "headers": [[name, _header_text(value)] for name, value in message.items()],
        "text": _part(message, "plain"),
        "html": _part(message, "html"),
        "raw": mail.raw.decode(errors="replace"),
    }


def _parse(mail: Mail) -> EmailMessage:
    return message_from_bytes(mail.raw, EmailMessage, policy=default)


def _header(message: EmailMessage, name: str) -> str:
    try:
        return _header_text(message.get(name, ""))
    except (ValueError, LookupError, IndexError):  # the parser of headers trips over some malformed ones
        return ""


def _header_text(value: object) -> str:
    return str(value).encode(errors="replace").decode()


def _part(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except LookupError:  # an unknown character set
        payload = part.get_payload(decode=True)
        return payload.decode(errors="replace") if isinstance(payload, bytes) else ""
