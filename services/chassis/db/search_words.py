"""Words that lists are searched by, without case and accents.

Rows have them in a generated column, made by ``chassis.searched_text`` (``migrations/0015_search.sql``). A change of
this form needs a migration that makes those columns anew.
"""

import re
import unicodedata

from services.chassis.problems import MalformedInput

MAX_WORDS = 20
"""Words of a search at most."""

_MIN_PART = 3
"""Characters of a word at least, to be found inside a longer one."""
_MARKS = re.compile("[\u00ad\u0300-\u036f\u200b-\u200d\u2060\ufeff]+")
"""Combining marks of European alphabets, and characters that show nothing within a word."""
_SEPARATORS = re.compile("[\\x00-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\xbf\\xd7\\xf7\u2000-\u206f\u3000-\u303f]+")
"""Blanks and punctuation."""
_LETTERS = str.maketrans(
    {
        "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ŋ": "n", "ŧ": "t",
        "æ": "ae", "œ": "oe", "þ": "th",
    }
)  # fmt: skip
"""Letters that Unicode does not decompose, as people write them without a key for them."""


def searched_text(text: str) -> str:
    """Return a text in the form in which it is searched: its words without case and accents, each after a space."""
    letters = _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold().translate(_LETTERS)
    return " " + _SEPARATORS.sub(" ", letters).strip(" ")


def search_words(text: str, *path: str) -> tuple[str, ...]:
    """Return the parts that a row's searched text has to have all of, in an order of their own.

    A word is found anywhere in a longer one; but a number, or a word of one or two characters, at its beginning alone:
    house number 1 is no part of a postal code. MalformedInput of ``path`` for too many words.
    """
    words = sorted(set(searched_text(text).split()))
    if len(words) > MAX_WORDS:
        raise MalformedInput(*path, reason="TOO_MANY_WORDS", most=str(MAX_WORDS))
    return tuple(word if len(word) >= _MIN_PART and not word[0].isdigit() else f" {word}" for word in words)
