"""Usernames and e-mail addresses."""

import re
import unicodedata

SHORTEST_USERNAME, LONGEST_USERNAME = 3, 100
LONGEST_EMAIL = 254
"""RFC 5321, section 4.5.3.1.3, less the angle brackets."""

_EMAIL = re.compile(r"""[^@\s<>(),;:"\\]{1,64}@[^@\s.<>(),;:"\\]+(\.[^@\s.<>(),;:"\\]+)+""")


def tidy_username(typed: str) -> str:
    """A username as it is kept: an e-mail address or any memorable name, with single spaces inside."""
    return unicodedata.normalize("NFC", " ".join(typed.split()))


def is_username(username: str) -> bool:
    """Whether a tidy username can be kept: 3 to 100 characters, all of them printable."""
    return SHORTEST_USERNAME <= len(username) <= LONGEST_USERNAME and username.isprintable()


def username_key(typed: str) -> str:
    """What a username is found by and must be unique in: case, width and spelling of accents do not matter.

    As Unicode compares identifiers without case (The Unicode Standard, definition D146), and without what is not
    printable, which no username has.
    """
    folded = unicodedata.normalize("NFD", typed)
    for _ in range(2):
        folded = unicodedata.normalize("NFKC", folded.casefold())
    return " ".join("".join(character for character in folded if character.isprintable()).split())


def is_email(text: str) -> bool:
    """Whether a text has the shape of an e-mail address. Whether it can be reached only a mail can tell."""
    return len(text) <= LONGEST_EMAIL and text.isprintable() and _EMAIL.fullmatch(text) is not None
