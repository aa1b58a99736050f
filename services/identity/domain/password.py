"""Validation of passwords (I1): long and not common, no composition rules (NIST SP 800-63B-4, section 3.1.1.2)."""

import unicodedata

from services.contracts.identity.people import PASSWORD_LENGTH
from services.contracts.values import Problem
from services.identity.domain.common_passwords import is_common
from services.identity.domain.names import username_key

MAX_INPUT_LENGTH = 4 * PASSWORD_LENGTH.most
"""The largest input in code points. A character decomposes (NFD) into four at most, so that every password that was
registered can be typed on any keyboard."""


def normalise_password(typed: str) -> str | None:
    """Normalise a password (NFC), to be counted and hashed: the same characters, however a keyboard composes them.

    None for a text that is too long. The length of the input is checked first: normalisation takes time.
    """
    if len(typed) > MAX_INPUT_LENGTH:
        return None
    composed = unicodedata.normalize("NFC", typed)
    return composed if len(composed) <= PASSWORD_LENGTH.most else None


def password_problem(password: str, username: str, path: str = "password") -> Problem | None:
    """Check a password; return a problem if it is weak.

    WEAK_PASSWORD with a ``reason``: TOO_SHORT, TOO_LONG, CONTAINS_USERNAME or COMMON.
    """
    reason = _weakness(normalise_password(password), username_key(username))
    if reason is None:
        return None
    params = {"reason": reason, "shortest": str(PASSWORD_LENGTH.least), "longest": str(PASSWORD_LENGTH.most)}
    return Problem(code="WEAK_PASSWORD", path=[path], params=params)


def _weakness(password: str | None, username: str) -> str | None:
    if password is None:
        return "TOO_LONG"
    if len(password) < PASSWORD_LENGTH.least:
        return "TOO_SHORT"
    if username and username in username_key(password):
        return "CONTAINS_USERNAME"
    return "COMMON" if is_common(password) else None
