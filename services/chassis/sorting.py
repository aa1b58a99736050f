"""Sort keys made in Python and stored beside names, since the database may have no collation for the Nordic letters."""

import re

# After z come å, ä and ö (Finnish, Swedish), and æ, ø, å (Norwegian) fall in with them.
_ORDER = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})

_SEARCHED_BYTES = 1_000
"""What the indexes have room for."""


def sort_key(name: str) -> str:
    """A key under which names sort as people expect: case aside, å ä ö last, numbers by their value."""
    folded = " ".join(name.casefold().split()).translate(_ORDER)
    return re.sub(r"\d+", lambda number: number.group().zfill(8), folded)


def search_text(*parts: str) -> str:
    """What a search looks into: the parts, case aside, one space between words, as far as an index has room for it."""
    text = " ".join(" ".join(parts).casefold().split())
    return text.encode()[:_SEARCHED_BYTES].decode(errors="ignore")
