"""The days that a figure is about."""

import datetime as dt

import msgspec

from services.contracts.values import Refusal, refuse

MAX_DAYS = 3660
"""The most days that are answered at once: ten years."""


class DateRange(msgspec.Struct, frozen=True):
    """From one day to another, both inclusive."""

    since: dt.date
    until: dt.date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def previous_since(self) -> dt.date:
        """The first of as many days right before ``since``; as far back as the calendar goes."""
        return dt.date.fromordinal(max(1, self.since.toordinal() - self.days))


def date_range(since: dt.date, until: dt.date) -> DateRange | Refusal:
    """The days from ``since`` to ``until``; MALFORMED in the wrong order, TOO_LONG for more than LONGEST."""
    found = DateRange(since, until)
    if found.days < 1:
        return refuse("MALFORMED", "until", reason="EARLIEST", earliest=since)
    if found.days > MAX_DAYS:
        return refuse("TOO_LONG", "until", days=MAX_DAYS)
    return found
