"""The range of days of a figure."""

import datetime as dt

import msgspec

from services.contracts.values import Refusal, refuse

MAX_DAYS = 3660
"""The longest range: ten years."""


class DateRange(msgspec.Struct, frozen=True):
    """A range of days, both ends inclusive."""

    since: dt.date
    until: dt.date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def previous_since(self) -> dt.date:
        """The first day of the range of the same length before ``since``, at the earliest the calendar's first."""
        return dt.date.fromordinal(max(1, self.since.toordinal() - self.days))


def date_range(since: dt.date, until: dt.date) -> DateRange | Refusal:
    """Return the range of these days, which are in order; TOO_LONG above ``MAX_DAYS``."""
    days = DateRange(since, until)
    if days.days > MAX_DAYS:
        return refuse("TOO_LONG", "until", days=MAX_DAYS)
    return days
