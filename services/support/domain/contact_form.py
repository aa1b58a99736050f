"""What may be written into the contact form (S1)."""

import re
import unicodedata

import msgspec

from services.contracts.support import ContactPreference, SendContactForm
from services.contracts.values import Refusal, length_problem, malformed

MAX_MESSAGE_LENGTH = 4000
_PHONE = re.compile(r"\+?[0-9][0-9 ]{3,18}[0-9]")


class ContactForm(msgspec.Struct, frozen=True):
    """The form as it is kept: the message trimmed, its lines ended by newlines; ``phone`` only where it is wanted."""

    message: str
    phone: str | None


def parse_contact_form(command: SendContactForm) -> ContactForm | Refusal:
    """The form, or MALFORMED for each field that is not as it must be.

    A message is 1 to LONGEST_MESSAGE characters without control characters other than newline and tab. A telephone
    number is 5 to 20 digits and spaces, perhaps after a plus; one that nobody asked to be called on is let go.
    """
    message = command.message.replace("\r\n", "\n").replace("\r", "\n").strip()
    called = command.contact_preference is ContactPreference.PHONE
    phone = (command.phone or "").strip() if called else None
    problems = []
    length = length_problem(message, 1, MAX_MESSAGE_LENGTH, "message")
    if length is not None:
        problems.append(length)
    elif any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in message):
        problems.append(malformed("message", reason="CHARACTERS"))
    if phone is not None and not _PHONE.fullmatch(phone):
        problems.append(malformed("phone", reason="EXAMPLE", example="+358 40 1234567"))
    return Refusal(problems=problems) if problems else ContactForm(message, phone)
