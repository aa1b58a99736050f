"""The cadence of an agreement: the days of its regular pickups, before holidays move them."""

import datetime as dt
from collections.abc import Iterator

import msgspec


class Cadence(msgspec.Struct, frozen=True, kw_only=True):
    """A day every ``interval_weeks`` weeks from ``first_pickup`` on, hence always on its weekday.

    No day is planned before ``ordered_on`` or after ``ended_on``; both are inclusive.
    """

    first_pickup: dt.date
    interval_weeks: int
    ordered_on: dt.date
    ended_on: dt.date | None = None

    def after(self, day: dt.date) -> Iterator[dt.date]:
        """Yield the planned days from ``day`` on, soonest first; without end for an agreement without an end."""
        start = max(day, self.ordered_on, self.first_pickup)
        last = self.ended_on or dt.date.max
        step = dt.timedelta(weeks=self.interval_weeks)
        wait = (self.first_pickup - start) % step
        if last - start < wait:
            return
        planned = start + wait
        yield planned
        while last - planned >= step:
            planned += step
            yield planned

    def days(self, since: dt.date, until: dt.date) -> list[dt.date]:
        """Return the planned days between two days, both inclusive."""
        days = []
        for planned in self.after(since):
            if planned > until:
                break
            days.append(planned)
        return days

    def has(self, day: dt.date) -> bool:
        """Return whether ``day`` is a planned day."""
        if day < self.first_pickup or day < self.ordered_on or (self.ended_on is not None and day > self.ended_on):
            return False
        return (day.toordinal() - self.first_pickup.toordinal()) % (7 * self.interval_weeks) == 0
