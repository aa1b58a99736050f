"""The steps of a series: the periods in which a range of days lies."""

import datetime as dt
from collections.abc import Iterator

import msgspec

from services.contracts.stats import Period
from services.stats.domain.date_range import DateRange

_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}


class SeriesStep(msgspec.Struct, frozen=True):
    """A period of a series, both days inclusive."""

    start: dt.date
    end: dt.date

    def is_partial(self, days: DateRange, today: dt.date) -> bool:
        """Return whether a figure of ``days``, on ``today``, is of a part of the period alone."""
        return self.start < days.since or self.end > days.until or self.end >= today


def steps_of(days: DateRange, period: Period) -> Iterator[SeriesStep]:
    """Yield the steps in which the days lie, from the first on."""
    start = _start_of(days.since, period)
    while start <= days.until:
        end = _end_of(start, period)
        yield SeriesStep(start, end)
        if end == dt.date.max:
            return
        start = end + dt.timedelta(days=1)


def _start_of(day: dt.date, period: Period) -> dt.date:
    """Return the first day of the period in which a day lies."""
    if period is Period.DAY:
        return day
    if period is Period.WEEK:
        return day - dt.timedelta(days=day.weekday())
    months = _MONTHS[period]
    return dt.date(day.year, (day.month - 1) // months * months + 1, 1)


def _end_of(start: dt.date, period: Period) -> dt.date:
    """Return the last day of the period that begins on a day: the last of all if it would end after that."""
    if period is Period.DAY:
        return start
    if period is Period.WEEK:
        return dt.date.fromordinal(min(start.toordinal() + 6, dt.date.max.toordinal()))
    year, month = divmod(start.year * 12 + start.month - 1 + _MONTHS[period], 12)
    return dt.date.max if year > dt.MAXYEAR else dt.date(year, month + 1, 1) - dt.timedelta(days=1)
