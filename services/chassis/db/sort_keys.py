"""Sort keys, computed in Python and stored beside names: the database may lack a collation for the Nordic letters."""

import re

# å, ä and ö sort after z (Finnish, Swedish); the Norwegian æ and ø sort as ä and ö.
_ORDER = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})


def sort_key(name: str) -> str:
    """Return a key by which names sort without case, with å, ä and ö last and numbers by their value."""
    folded = " ".join(name.casefold().split()).translate(_ORDER)
    return re.sub(r"\d+", lambda number: number.group().zfill(8), folded)
