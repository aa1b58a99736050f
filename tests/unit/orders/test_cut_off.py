"""O3: the cut-off of a pickup's order."""

import datetime as dt
import zoneinfo

from hypothesis import given
from hypothesis import strategies as st

from services.orders.domain.cut_off import cut_off_of
from services.orders.domain.rules import CutOff
from tests.unit.orders.factories import holidays

HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def cut_off(day: str, working_days: int, at: str, *feasts: str) -> str:
    moved = holidays(*((d(feast), d(feast) + dt.timedelta(days=1)) for feast in feasts))
    rule = CutOff(working_days, dt.time.fromisoformat(at))
    return cut_off_of(d(day), rule, moved, HELSINKI).isoformat().replace("+00:00", "Z")


def test_noon_two_working_days_before() -> None:
    assert cut_off("2026-03-12", 2, "12:00") == "2026-03-10T10:00:00Z"


def test_weekends_and_holidays_are_not_working_days() -> None:
    assert cut_off("2026-03-10", 2, "12:00") == "2026-03-06T10:00:00Z", "from Tuesday over the weekend to Friday"
    assert cut_off("2026-04-09", 2, "12:00", "2026-04-03", "2026-04-06") == "2026-04-07T09:00:00Z"
    assert cut_off("2026-04-08", 2, "12:00", "2026-04-03", "2026-04-06") == "2026-04-02T09:00:00Z"


def test_zero_working_days_before_is_the_day_itself() -> None:
    assert cut_off("2026-03-12", 0, "00:00") == "2026-03-11T22:00:00Z"


def test_local_time_is_kept_over_the_change_of_clocks() -> None:
    assert cut_off("2026-03-30", 1, "12:00") == "2026-03-27T10:00:00Z", "winter time on the Friday before 29.3."
    assert cut_off("2026-03-31", 1, "12:00") == "2026-03-30T09:00:00Z"
    assert cut_off("2026-10-26", 1, "12:00") == "2026-10-23T09:00:00Z", "summer time on the Friday before 25.10."
    assert cut_off("2026-10-27", 1, "12:00") == "2026-10-26T10:00:00Z"


def test_a_skipped_or_repeated_time_is_one_instant() -> None:
    assert cut_off("2026-03-29", 0, "03:30") == "2026-03-29T01:30:00Z", "3:30 is skipped: it is 4:30 by the new offset"
    assert cut_off("2026-10-25", 0, "03:30") == "2026-10-25T00:30:00Z", "the first of two"


@given(st.dates(dt.date(2020, 1, 1), dt.date(2035, 12, 31)), st.integers(0, 20), st.times())
def test_so_many_working_days_lie_between(day: dt.date, working_days: int, at: dt.time) -> None:
    none = holidays()
    instant = cut_off_of(day, CutOff(working_days, at), none, HELSINKI)
    last = instant.astimezone(HELSINKI).date()
    between = [last + dt.timedelta(days=n) for n in range((day - last).days)]
    assert sum(none.is_working_day(one) for one in between) == working_days
    later = cut_off_of(day + dt.timedelta(days=1), CutOff(working_days, at), none, HELSINKI)
    assert later >= instant
