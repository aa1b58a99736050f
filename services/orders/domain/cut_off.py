"""The cut-off: the last instant at which something can be ordered for a day."""

import datetime as dt
import zoneinfo

from services.orders.domain.holidays import Holidays
from services.orders.domain.rules import CutOff


def is_working_day(day: dt.date, holidays: Holidays) -> bool:
    """Monday to Friday, holidays aside."""
    return day.weekday() < 5 and holidays.on(day) is None


def cut_off_of(day: dt.date, rule: CutOff, holidays: Holidays, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """Until when (inclusive, in UTC) a pickup on ``day`` can be ordered.

    The rule speaks of local time. An hour that a clock change leaves out is read by the clock before the change, one
    that comes twice is its first.
    """
    last, left = day, rule.working_days
    while left:
        last -= dt.timedelta(days=1)
        left -= is_working_day(last, holidays)
    return dt.datetime.combine(last, rule.at, tzinfo=zone).astimezone(dt.UTC)
