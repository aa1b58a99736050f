"""Dates and instants as texts, to the letter of RFC 3339, section 5.6, and no more.

What Python's ``fromisoformat`` takes beside it (weeks, days of a year, no separators, a space, digits of other scripts)
is refused: whoever sends such a text means something that no other reader of it would see.
"""

import datetime as dt
import re

_DATE = r"(\d{4})-(\d{2})-(\d{2})"
_FULL_DATE = re.compile(_DATE, re.ASCII)
# "T" and "Z" in either case (the section's first note); between day and time the grammar has no space.
_DATE_TIME = re.compile(_DATE + r"[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII)

_LEAP_DAYS = ((6, 30), (12, 31))
"""The days that a leap second has ended (section 5.7)."""


def parse_date(text: str) -> dt.date:
    """The day of a ``full-date``; ValueError for any other text, and for the year 0, which Python does not have."""
    found = _FULL_DATE.fullmatch(text)
    if found is None:
        raise ValueError("expected YYYY-MM-DD")
    return dt.date(*map(int, found.groups()))


def parse_instant(text: str) -> dt.datetime:
    """The instant of a ``date-time``, in UTC; ValueError for any other text.

    More than six digits of a fraction are cut. The offset -00:00 is UTC (section 4.3). A leap second, where there may
    be one, is the last microsecond of its minute: so it stays on its day, before what comes after it.
    """
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        raise ValueError("expected YYYY-MM-DDThh:mm:ss, and Z or an offset")
    *clock, fraction, sign, hours, minutes = found.groups()
    year, month, day, hour, minute, second = map(int, clock)
    microsecond = int((fraction or "")[:6].ljust(6, "0"))
    leap = second == 60
    if leap:
        second, microsecond = 59, 999_999
    instant = dt.datetime(year, month, day, hour, minute, second, microsecond, _offset(sign, hours, minutes))
    try:
        instant = instant.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("an instant before the year 1 or after the year 9999") from None
    if leap and ((instant.month, instant.day) not in _LEAP_DAYS or (instant.hour, instant.minute) != (23, 59)):
        raise ValueError("no leap second may be then")
    return instant


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> dt.timezone:
    if sign is None or hours is None or minutes is None:
        return dt.UTC
    if int(minutes) > 59:
        raise ValueError("an offset has at most 59 minutes")
    size = dt.timedelta(hours=int(hours), minutes=int(minutes))
    return dt.timezone(size if sign == "+" else -size)  # ValueError from 24 hours on
