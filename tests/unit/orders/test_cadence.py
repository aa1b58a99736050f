"""O1, O2: the planned days of an agreement."""

import datetime as dt
import itertools

from hypothesis import given
from hypothesis import strategies as st

from services.orders.domain.cadence import Cadence

DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2050, 12, 31))


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def test_the_agreements_of_ekokaari_50() -> None:
    every_second_week = Cadence(first_pickup=d("2026-01-08"), interval_weeks=2, ordered_on=d("2024-09-01"))
    assert every_second_week.days(d("2026-02-01"), d("2026-03-05")) == [
        d("2026-02-05"),
        d("2026-02-19"),
        d("2026-03-05"),
    ]
    weekly = Cadence(first_pickup=d("2026-01-09"), interval_weeks=1, ordered_on=d("2024-09-01"))
    assert len(weekly.days(d("2026-01-01"), d("2026-12-31"))) == 51
    every_twelfth = Cadence(first_pickup=d("2019-08-15"), interval_weeks=12, ordered_on=d("2019-08-13"))
    assert every_twelfth.days(d("2019-01-01"), d("2020-06-30")) == [
        d("2019-08-15"),
        d("2019-11-07"),
        d("2020-01-30"),
        d("2020-04-23"),
    ]


def test_the_first_of_september_2024_is_a_sunday_and_cadences_keep_their_weekday() -> None:
    sundays = Cadence(first_pickup=d("2024-09-01"), interval_weeks=1, ordered_on=d("2024-09-01"))
    assert {day.isoweekday() for day in sundays.days(d("2024-09-01"), d("2025-08-31"))} == {7}


def test_nothing_is_planned_before_it_was_ordered_nor_after_its_end() -> None:
    cadence = Cadence(
        first_pickup=d("2026-01-08"), interval_weeks=1, ordered_on=d("2026-01-10"), ended_on=d("2026-01-29")
    )
    assert cadence.days(d("2025-01-01"), d("2027-01-01")) == [d("2026-01-15"), d("2026-01-22"), d("2026-01-29")]
    assert cadence.days(d("2026-01-30"), d("2027-01-01")) == []
    assert not cadence.has(d("2026-01-08"))
    assert cadence.has(d("2026-01-29"))
    assert not cadence.has(d("2026-01-28"))


def test_an_end_before_the_first_pickup_plans_nothing() -> None:
    cadence = Cadence(
        first_pickup=d("2026-01-08"), interval_weeks=1, ordered_on=d("2025-12-01"), ended_on=d("2026-01-01")
    )
    assert cadence.days(d("2025-01-01"), d("2027-01-01")) == []


def test_the_end_of_the_calendar_is_an_end() -> None:
    cadence = Cadence(first_pickup=d("2026-01-08"), interval_weeks=2, ordered_on=d("2024-09-01"))
    assert len(cadence.days(d("9999-12-01"), dt.date.max)) in (2, 3)
    assert cadence.days(dt.date.max, dt.date.max) == []


@given(DAYS, st.integers(1, 52), DAYS, st.one_of(st.none(), DAYS), DAYS, st.integers(0, 400))
def test_planned_days_are_those_of_the_definition(
    first: dt.date, weeks: int, ordered_on: dt.date, ended_on: dt.date | None, since: dt.date, length: int
) -> None:
    cadence = Cadence(first_pickup=first, interval_weeks=weeks, ordered_on=ordered_on, ended_on=ended_on)
    until = since + dt.timedelta(days=length)
    expected = [
        day
        for day in (since + dt.timedelta(days=n) for n in range(length + 1))
        if day >= first
        and (day - first).days % (7 * weeks) == 0
        and ordered_on <= day
        and (ended_on is None or day <= ended_on)
    ]
    assert cadence.days(since, until) == expected
    assert list(itertools.islice(cadence.after(since), len(expected))) == expected
    assert [day for day in (since + dt.timedelta(days=n) for n in range(length + 1)) if cadence.has(day)] == expected
