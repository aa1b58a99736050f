"""What a download is called on the disk of whoever saves it."""

import re
import unicodedata
from urllib.parse import quote

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._ -]")


def attachment(name: str) -> str:
    """The Content-Disposition of a file to be saved, not shown (RFC 6266); any text will do as its name.

    What could lead to another folder or hide what kind of file it is (separators, control and direction characters)
    is replaced. Names beyond ASCII come a second time, in full (RFC 8187).
    """
    safe = "".join("_" if one in '/\\"' or unicodedata.category(one).startswith("C") else one for one in name)
    plain = _NOT_PLAIN.sub("_", safe)
    field = f'attachment; filename="{plain}"'
    return field if plain == safe else f"{field}; filename*=UTF-8''{quote(safe, safe='')}"
