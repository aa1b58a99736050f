"""Sort keys, computed in Python and stored beside names: the database may lack a collation for the Nordic letters."""

import re

# å, ä and ö sort after z (Finnish, Swedish); the Norwegian æ and ø sort as ä and ö.
_ORDER = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})


def fold(text: str) -> str:
    """Return a text case-folded, with single spaces between words."""
    return " ".join(text.casefold().split())


def sort_key(name: str) -> str:
    """Return a key by which names sort without case, with å, ä and ö last and numbers by their value."""
    folded = fold(name).translate(_ORDER)
    return re.sub(r"\d+", lambda number: number.group().zfill(8), folded)


def search_text(*parts: str) -> str:
    """Return the folded text that searches match."""
    return fold(" ".join(parts))
