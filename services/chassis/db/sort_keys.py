"""Sort keys made in Python and stored beside names, since the database may have no collation for the Nordic letters."""

import re

# After z come å, ä and ö (Finnish, Swedish), and æ, ø, å (Norwegian) fall in with them.
_ORDER = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})

_MAX_SEARCH_BYTES = 1_000
"""The room that an index's row has for it."""


def fold(text: str) -> str:
    """Return a text with its case put aside, and one space between words."""
    return " ".join(text.casefold().split())


def sort_key(name: str) -> str:
    """A key under which names sort as people expect: case aside, å ä ö last, numbers by their value."""
    folded = fold(name).translate(_ORDER)
    return re.sub(r"\d+", lambda number: number.group().zfill(8), folded)


def search_text(*parts: str) -> str:
    """Return the text that a search looks into: the parts, folded, as far as an index has room for it."""
    return fold(" ".join(parts)).encode()[:_MAX_SEARCH_BYTES].decode(errors="ignore")
