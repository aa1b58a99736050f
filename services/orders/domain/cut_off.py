"""The cut-off: the last instant at which a pickup can be ordered for a day."""

import datetime as dt
import zoneinfo

from services.orders.domain.holidays import Holidays
from services.orders.domain.rules import CutOff


def cut_off_of(day: dt.date, rule: CutOff, holidays: Holidays, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """Return the last instant, in UTC, at which a pickup on ``day`` can be ordered.

    The rule is in local time. A time that a clock change skips has the offset before the change; of a repeated time it
    is the first.
    """
    last, left = day, rule.working_days
    while left:
        last -= dt.timedelta(days=1)
        left -= holidays.is_working_day(last)
    return dt.datetime.combine(last, rule.at, tzinfo=zone).astimezone(dt.UTC)
