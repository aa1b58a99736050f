"""The cadence of an agreement: on which days its containers would be emptied if there were no holidays."""

import datetime as dt
from collections.abc import Iterator

import msgspec


class Cadence(msgspec.Struct, frozen=True, kw_only=True):
    """Every ``interval_weeks`` weeks from ``first_pickup`` on, hence always on its weekday.

    Nothing is planned before ``ordered_on`` and nothing after ``ended_on``; both days are inclusive.
    """

    first_pickup: dt.date
    interval_weeks: int
    ordered_on: dt.date
    ended_on: dt.date | None = None

    def after(self, day: dt.date) -> Iterator[dt.date]:
        """The planned days from ``day`` on, soonest first; without end where the agreement has none."""
        begin = max(day, self.ordered_on, self.first_pickup)
        last = self.ended_on or dt.date.max
        step = dt.timedelta(weeks=self.interval_weeks)
        wait = (self.first_pickup - begin) % step
        if last - begin < wait:
            return
        planned = begin + wait
        yield planned
        while last - planned >= step:
            planned += step
            yield planned

    def days(self, since: dt.date, until: dt.date) -> list[dt.date]:
        """The planned days between two days, both inclusive."""
        found = []
        for planned in self.after(since):
            if planned > until:
                break
            found.append(planned)
        return found

    def has(self, day: dt.date) -> bool:
        """Whether ``day`` is a planned day."""
        if day < self.first_pickup or day < self.ordered_on or (self.ended_on is not None and day > self.ended_on):
            return False
        return (day.toordinal() - self.first_pickup.toordinal()) % (7 * self.interval_weeks) == 0
