"""Content-Disposition of downloads (RFC 6266)."""

import re
import unicodedata
from urllib.parse import quote

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._ -]")


def attachment(name: str) -> str:
    """Return the field's value for a file that is saved, not shown; ``name`` may be any text.

    Characters that could change the folder or disguise the kind of file (separators, control and direction characters)
    are replaced. A name beyond ASCII is repeated in full as ``filename*`` (RFC 8187).
    """
    safe = "".join("_" if one in '/\\"' or unicodedata.category(one).startswith("C") else one for one in name)
    plain = _NOT_PLAIN.sub("_", safe)
    value = f'attachment; filename="{plain}"'
    return value if plain == safe else f"{value}; filename*=UTF-8''{quote(safe, safe='')}"
