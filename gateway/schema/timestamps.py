"""Parsers of dates and instants in the format of RFC 3339, section 5.6, and no other.

Other formats that Python's ``fromisoformat`` accepts (weeks, days of a year, no separators, a space, digits of other
scripts) are refused, because other parsers would refuse them or read them differently.
"""

import datetime as dt
import re

_DATE = r"(\d{4})-(\d{2})-(\d{2})"
_FULL_DATE = re.compile(_DATE, re.ASCII)
# "T" and "Z" in either case (the section's first note); the grammar has no space between date and time.
_DATE_TIME = re.compile(_DATE + r"[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII)

_LEAP_DAYS = ((6, 30), (12, 31))
"""The days, as month and day, that may end with a leap second (section 5.7)."""


def parse_date(text: str) -> dt.date:
    """Parse a ``full-date``; ValueError for any other text, and for the year 0, which Python does not have."""
    match = _FULL_DATE.fullmatch(text)
    if match is None:
        raise ValueError("expected YYYY-MM-DD")
    return dt.date(*map(int, match.groups()))


def parse_instant(text: str) -> dt.datetime:
    """Parse a ``date-time`` into an instant in UTC; ValueError for any other text.

    Digits of a fraction after the sixth are cut off. The offset -00:00 is UTC (section 4.3). A possible leap second
    becomes the last microsecond of its minute, which keeps its day and the order of instants.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("expected YYYY-MM-DDThh:mm:ss, and Z or an offset")
    *clock, fraction, sign, hours, minutes = match.groups()
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
