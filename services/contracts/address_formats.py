"""The formats of e-mail addresses and telephone numbers, the same in every service."""

import re

from services.contracts.values import Problem, malformed

MAX_EMAIL_LENGTH = 254
"""RFC 5321, section 4.5.3.1.3, less the angle brackets."""

_EMAIL = re.compile(r"""[^@\s<>(),;:"\\]{1,64}@[^@\s.<>(),;:"\\]+(\.[^@\s.<>(),;:"\\]+)+""")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
"""A number of ITU-T E.164, section 6: a country code and the national number."""


def is_email(text: str) -> bool:
    """Return whether a text has the format of an e-mail address. Only a mail can verify the address."""
    return len(text) <= MAX_EMAIL_LENGTH and text.isprintable() and _EMAIL.fullmatch(text) is not None


def email_problems(email: str | None, *path: str) -> list[Problem]:
    """Return MALFORMED for a text that is no e-mail address; nothing for None."""
    if email is None or is_email(email):
        return []
    return [malformed(*path, reason="EXAMPLE", example="name@example.com")]


def phone_problems(phone: str | None, *path: str) -> list[Problem]:
    """Return MALFORMED for a text that is no telephone number; nothing for None."""
    if phone is None or _PHONE.fullmatch(phone):
        return []
    return [malformed(*path, reason="EXAMPLE", example="+358401234567")]
