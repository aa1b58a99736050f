"""Holidays: days without pickups, and the days to which they move their pickups."""

import bisect
import datetime as dt
import enum
from collections.abc import Collection, Iterable

import msgspec

from services.orders.domain.validity import Text


class Country(enum.Enum):
    """The country of a holiday (ISO 3166-1)."""

    FI = "FI"
    NO = "NO"
    SE = "SE"


_COUNTRIES = {
    "Europe/Helsinki": Country.FI,
    "Europe/Mariehamn": Country.FI,
    "Europe/Oslo": Country.NO,
    "Arctic/Longyearbyen": Country.NO,
    "Europe/Stockholm": Country.SE,
}


def country_of(zone: str) -> Country | None:
    """Return the country of an IANA zone; None for a zone without known holidays."""
    return _COUNTRIES.get(zone)


class HolidayRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A holiday of the ERP; a row of ``holidays.csv``. Pickups of ``date`` move to ``moves_to``."""

    country: Country
    date: dt.date
    name_fi: Text
    name_sv: Text
    name_nb: Text
    name_en: Text
    moves_to: dt.date

    def name(self, language: str) -> str:
        """Return the holiday's name in a language (ISO 639-1)."""
        text: str = getattr(self, f"name_{language}")
        return text


class Holidays:
    """The holidays of one country."""

    def __init__(self, holidays: Iterable[HolidayRecord]) -> None:
        self._by_date = {holiday.date: holiday for holiday in holidays}
        self._origins: dict[dt.date, list[dt.date]] = {}
        for day in self._by_date:
            if (target := self.pickup_day(day)) != day:
                self._origins.setdefault(target, []).append(day)
        self._targets = sorted(self._origins)

    @property
    def days(self) -> Collection[dt.date]:
        """The days of the holidays."""
        return self._by_date.keys()

    def on(self, day: dt.date) -> HolidayRecord | None:
        """Return the holiday on this day, if any."""
        return self._by_date.get(day)

    def is_working_day(self, day: dt.date) -> bool:
        """Return whether a day is a Monday to Friday and no holiday."""
        return day.weekday() < 5 and day not in self._by_date

    def have_working_day(self, since: dt.date, until: dt.date) -> bool:
        """Return whether there is a working day between two days, both inclusive."""
        days = (since + dt.timedelta(days=n) for n in range((until - since).days + 1))
        return any(map(self.is_working_day, days))

    def pickup_day(self, day: dt.date) -> dt.date:
        """Return the day to which holidays move the pickups of ``day``, one after the other.

        Holidays that move to each other in a cycle leave the pickup on ``day``.
        """
        target, seen = day, {day}
        while (holiday := self._by_date.get(target)) is not None and holiday.moves_to != target:
            target = holiday.moves_to
            if target in seen:
                return day
            seen.add(target)
        return target

    def days_moved_into(self, since: dt.date, until: dt.date) -> list[dt.date]:
        """Return the holidays whose pickups move to days between these two, both inclusive."""
        targets = self._targets[bisect.bisect_left(self._targets, since) : bisect.bisect_right(self._targets, until)]
        return sorted(day for target in targets for day in self._origins[target])
