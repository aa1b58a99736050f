"""The texts of contact forms, tickets and contacts (S1, S2), and their limits."""

import unicodedata
from collections.abc import Sequence

import msgspec

from services.contracts.address_formats import email_problems, phone_problems
from services.contracts.support.tickets import (
    MAX_ATTACHMENTS,
    MESSAGE_LENGTH,
    SENDER_NAME_LENGTH,
    Channel,
    ContactPreference,
    LogContact,
    SendContactForm,
    SendPublicForm,
    TicketSubject,
)
from services.contracts.values import Id, Problem, Refusal, length_problem, malformed

LOGGED_CHANNELS = frozenset({Channel.PHONE, Channel.LETTER, Channel.VISIT})


class ContactForm(msgspec.Struct, frozen=True):
    """The form as it is stored."""

    message: str
    """Trimmed, with newlines as line ends."""
    phone: str | None = None
    """None unless the sender asks to be called."""
    email: str | None = None


def parse_contact_form(command: SendContactForm) -> ContactForm | Refusal:
    """Return the form, or MALFORMED for each invalid field.

    A message is ``MESSAGE_LENGTH`` characters without control characters other than newline and tab. A
    telephone number has the format of E.164. It is dropped unless the sender asks to be called.
    """
    message = clean_lines(command.message)
    wants_call = command.contact_preference is ContactPreference.PHONE
    phone = (command.phone or "").strip() if wants_call else None
    problems = [
        *text_problems(message, "message"),
        *subject_problems(command.subject),
        *attachment_problems(command.attachment_ids),
        *phone_problems(phone, "phone"),
    ]
    return Refusal(problems=problems) if problems else ContactForm(message, phone)


def parse_public_form(command: SendPublicForm) -> ContactForm | Refusal:
    """Return the form, MALFORMED for each invalid field, or CONTACT_REQUIRED without address and telephone number."""
    message, phone, email = clean_lines(command.message), command.phone or None, command.email or None
    problems = [
        *(one for one in [length_problem(command.name, SENDER_NAME_LENGTH, "name")] if one),
        *text_problems(message, "message"),
        *phone_problems(phone, "phone"),
        *email_problems(email, "email"),
    ]
    if not problems and phone is None and email is None:
        problems = [Problem(code="CONTACT_REQUIRED", path=["email"])]
    return Refusal(problems=problems) if problems else ContactForm(message, phone, email)


def parse_logged_contact(command: LogContact) -> ContactForm | Refusal:
    """Return the contact that the staff write down, or MALFORMED for each invalid field."""
    message, phone, email = clean_lines(command.message), command.phone or None, command.email or None
    problems = [*text_problems(message, "message"), *phone_problems(phone, "phone"), *email_problems(email, "email")]
    problems += subject_problems(command.subject)
    if command.channel not in LOGGED_CHANNELS:
        problems.append(malformed("channel", reason="EXAMPLE", example=Channel.PHONE.value))
    return Refusal(problems=problems) if problems else ContactForm(message, phone, email)


def clean_lines(text: str) -> str:
    """Return a text trimmed, with newlines as line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def text_problems(text: str, field: str) -> list[Problem]:
    """Return the problems of a text in lines."""
    length = length_problem(text, MESSAGE_LENGTH, field)
    if length is not None:
        return [length]
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in text):
        return [malformed(field, reason="CHARACTERS")]
    return []


def subject_problems(subject: TicketSubject | None) -> list[Problem]:
    """Return LEAVE_OUT unless a subject names exactly one thing."""
    if subject is None or sum(one is not None for one in msgspec.structs.astuple(subject)) == 1:
        return []
    return [malformed("subject", reason="LEAVE_OUT")]


def attachment_problems(ids: Sequence[Id]) -> list[Problem]:
    """Return TOO_MANY for more files than an entry may have."""
    if len(ids) <= MAX_ATTACHMENTS.most:
        return []
    return [malformed("attachmentIds", reason="TOO_MANY", most=MAX_ATTACHMENTS.most)]
