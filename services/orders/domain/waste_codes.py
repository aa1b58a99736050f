"""Waste codes: the List of Waste (Decision 2000/532/EC) with its validity dates.

All chapters and sub-chapters are listed. Entries are listed if the product's articles use them, with their hazard mark,
or if Delegated Decision (EU) 2025/934 deletes them; of any other entry only the sub-chapter is checked. The decision
applies from 9 December 2026 by its corrigendum (OJ L 2025/90657, 19.8.2025).
"""

import datetime as dt
import re

_CODE = re.compile(r"(\d\d \d\d) (\d\d)(\*?)")
_ALWAYS, _FOR_EVER = dt.date.min, dt.date.max
_CHANGE = dt.date(2026, 12, 9)

_SUB_CHAPTERS = {
    "01": "01 03 04 05",
    "02": "01 02 03 04 05 06 07",
    "03": "01 02 03",
    "04": "01 02",
    "05": "01 06 07",
    "06": "01 02 03 04 05 06 07 08 09 10 11 13",
    "07": "01 02 03 04 05 06 07",
    "08": "01 02 03 04 05",
    "09": "01",
    "10": "01 02 03 04 05 06 07 08 09 10 11 12 13 14",
    "11": "01 02 03 05",
    "12": "01 03",
    "13": "01 02 03 04 05 07 08",
    "14": "06",
    "15": "01 02",
    "16": "01 02 03 04 05 06 07 08 09 10 11",
    "17": "01 02 03 04 05 06 08 09",
    "18": "01 02",
    "19": "01 02 03 04 05 06 07 08 09 10 11 12 13",
    "20": "01 02 03",
}
SUB_CHAPTERS = {f"{chapter} {sub}": _ALWAYS for chapter, subs in _SUB_CHAPTERS.items() for sub in subs.split()} | {
    "19 14": _CHANGE
}
"""Each sub-chapter and the first day of its validity: 111 before the decision applies, 112 after."""

HAZARDOUS = {
    **dict.fromkeys(("13 02 05", "16 06 01", "20 01 21", "20 01 35"), True),
    **dict.fromkeys(
        (
            *("15 01 01", "15 01 02", "15 01 04", "15 01 07", "17 02 01", "17 09 04"),
            *("20 01 01", "20 01 08", "20 01 36", "20 01 40", "20 03 01", "20 03 07"),
        ),
        False,
    ),
}
"""Whether the entries that the product's articles use are hazardous."""

WITHDRAWN = dict.fromkeys(("16 06 05", "19 02 11", "20 01 33", "20 01 34"), _CHANGE - dt.timedelta(days=1))
"""The last day of the entries that the decision deletes."""


def is_known(code: str, valid_from: dt.date, valid_until: dt.date | None) -> bool:
    """Return whether a code (``CC SS EE``, with ``*`` if hazardous) is on the list on a day between two."""
    parts = _CODE.fullmatch(code)
    if parts is None or parts[2] == "00":
        return False
    sub_chapter, entry = parts[1], f"{parts[1]} {parts[2]}"
    valid_since = SUB_CHAPTERS.get(sub_chapter)
    return (
        valid_since is not None
        and valid_since <= (valid_until or _FOR_EVER)
        and valid_from <= WITHDRAWN.get(entry, _FOR_EVER)
        and HAZARDOUS.get(entry, bool(parts[3])) is bool(parts[3])
    )
