"""T1: the days that a figure is about, and as many before them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.values import Refusal, refuse
from services.stats.domain.date_range import MAX_DAYS, DateRange, date_range

DAY = dt.date(2026, 3, 4)


def test_both_days_are_meant() -> None:
    one = date_range(DAY, DAY)
    assert isinstance(one, DateRange)
    assert (one.days, one.previous_since) == (1, dt.date(2026, 3, 3))


def test_days_in_the_wrong_order_are_refused() -> None:
    assert date_range(DAY, dt.date(2026, 3, 3)) == refuse(
        "MALFORMED", "until", reason="EARLIEST", earliest="2026-03-04"
    )


@pytest.mark.parametrize(("days", "taken"), [(MAX_DAYS, True), (MAX_DAYS + 1, False)])
def test_ten_years_are_the_most(days: int, taken: bool) -> None:
    found = date_range(DAY, DAY + dt.timedelta(days=days - 1))
    assert isinstance(found, DateRange) is taken
    if not taken:
        assert found == refuse("TOO_LONG", "until", days=3660)


@given(st.dates(), st.dates())
def test_every_two_days_have_an_answer(since: dt.date, until: dt.date) -> None:
    found = date_range(since, until)
    if isinstance(found, Refusal):
        assert until < since or (until - since).days >= MAX_DAYS
    else:
        before = (since - found.previous_since).days
        assert before == found.days or found.previous_since == dt.date.min
