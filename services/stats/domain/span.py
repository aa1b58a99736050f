"""The days that a figure is about."""

import datetime as dt

import msgspec

from services.contracts.values import Refusal, refuse

LONGEST = 3660
"""The most days that are answered at once: ten years."""


class Span(msgspec.Struct, frozen=True):
    """From one day to another, both inclusive."""

    since: dt.date
    until: dt.date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def since_before(self) -> dt.date:
        """The first of as many days right before ``since``; as far back as the calendar goes."""
        return dt.date.fromordinal(max(1, self.since.toordinal() - self.days))


def span(since: dt.date, until: dt.date) -> Span | Refusal:
    """The days from ``since`` to ``until``; MALFORMED in the wrong order, TOO_LONG for more than LONGEST."""
    found = Span(since, until)
    if found.days < 1:
        return refuse("MALFORMED", "until", reason="EARLIEST", earliest=since)
    if found.days > LONGEST:
        return refuse("TOO_LONG", "until", days=LONGEST)
    return found
