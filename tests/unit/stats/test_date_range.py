"""T1: the range of days of a figure, and as many days before it."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.values import Refusal, refuse
from services.stats.domain.date_range import MAX_DAYS, DateRange, date_range

DAY = dt.date(2026, 3, 4)


def test_both_days_are_inclusive() -> None:
    one = date_range(DAY, DAY)
    assert isinstance(one, DateRange)
    assert (one.days, one.previous_since) == (1, dt.date(2026, 3, 3))


@pytest.mark.parametrize(("days", "accepted"), [(MAX_DAYS, True), (MAX_DAYS + 1, False)])
def test_ten_years_are_the_most(days: int, accepted: bool) -> None:
    days_or_refusal = date_range(DAY, DAY + dt.timedelta(days=days - 1))
    assert isinstance(days_or_refusal, DateRange) is accepted
    if not accepted:
        assert days_or_refusal == refuse("TOO_LONG", "until", days=3660)


@given(st.dates(), st.dates())
def test_any_two_days_are_a_range_or_refused(one: dt.date, other: dt.date) -> None:
    since, until = sorted((one, other))
    days_or_refusal = date_range(since, until)
    if isinstance(days_or_refusal, Refusal):
        assert (until - since).days >= MAX_DAYS
    else:
        before = (since - days_or_refusal.previous_since).days
        assert before == days_or_refusal.days or days_or_refusal.previous_since == dt.date.min
