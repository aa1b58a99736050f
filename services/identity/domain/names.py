"""Usernames."""

import re
import unicodedata

from services.contracts.address_formats import is_email
from services.contracts.identity.people import USERNAME_LENGTH
from services.contracts.values import Problem, length_problem, malformed
from services.identity.domain.scripts import LOOK_ALIKES, has_ignorable, is_in_one_script

_PARTS = re.compile(r"[@.]")


def normalise_username(typed: str) -> str:
    """Normalise a username, an e-mail address or any memorable name: NFC, with single spaces inside."""
    return unicodedata.normalize("NFC", " ".join(typed.split()))


def username_problem(username: str) -> Problem | None:
    """Check a normalised username; return MALFORMED if it is invalid.

    It has 3 to 100 characters. Against confusable names (UTS 39), all of them are visible, and its letters are of one
    script; in an e-mail address, those of each part.
    """
    if length := length_problem(username, USERNAME_LENGTH, "username"):
        return length
    if not username.isprintable() or has_ignorable(username):
        return malformed("username", reason="CHARACTERS")
    if not all(map(is_in_one_script, _PARTS.split(username) if is_email(username) else [username])):
        return malformed("username", reason="MIXED_SCRIPTS")
    return None


def username_key(typed: str) -> str:
    """Return the unique key of a username, independent of case, width and composition of accents.

    The identifier caseless match (The Unicode Standard, definition D146), without characters that are not printable,
    which no username has.
    """
    folded = unicodedata.normalize("NFD", typed)
    for _ in range(2):
        folded = unicodedata.normalize("NFKC", folded.casefold())
    return " ".join("".join(character for character in folded if character.isprintable()).split())


def look_alike_key(username_key: str) -> str:
    """Return the key that names have in common whose characters look alike, also across scripts (UTS 39, section 4)."""
    return username_key.translate(LOOK_ALIKES)
