"""The contact form (S1), and the limits of its fields."""

import re
import unicodedata

import msgspec

from services.contracts.support import MESSAGE_LENGTH, ContactPreference, SendContactForm
from services.contracts.values import Refusal, length_problem, malformed

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
"""A number of ITU-T E.164, section 6: a country code and the national number."""


class ContactForm(msgspec.Struct, frozen=True):
    """The form as it is stored."""

    message: str
    """Trimmed, with newlines as line ends."""
    phone: str | None
    """None unless the sender asks to be called."""


def parse_contact_form(command: SendContactForm) -> ContactForm | Refusal:
    """Return the form, or MALFORMED for each invalid field.

    A message is ``MESSAGE_LENGTH`` characters without control characters other than newline and tab. A
    telephone number has the format of E.164. It is dropped unless the sender asks to be called.
    """
    message = command.message.replace("\r\n", "\n").replace("\r", "\n").strip()
    wants_call = command.contact_preference is ContactPreference.PHONE
    phone = (command.phone or "").strip() if wants_call else None
    problems = []
    length = length_problem(message, MESSAGE_LENGTH, "message")
    if length is not None:
        problems.append(length)
    elif any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in message):
        problems.append(malformed("message", reason="CHARACTERS"))
    if phone is not None and not _PHONE.fullmatch(phone):
        problems.append(malformed("phone", reason="EXAMPLE", example="+358401234567"))
    return Refusal(problems=problems) if problems else ContactForm(message, phone)
