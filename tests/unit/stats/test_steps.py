"""T1: the steps of a series have no gaps, and say where they are cut."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.stats import Period
from services.stats.domain.date_range import DateRange
from services.stats.domain.steps import SeriesStep, steps_of

LATER = dt.date(2030, 1, 1)
MANY_DAYS = st.integers(0, 800)


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (Period.DAY, ("2025-11-12", "2025-11-12"), ("2026-02-03", "2026-02-03")),
        (Period.WEEK, ("2025-11-10", "2025-11-16"), ("2026-02-02", "2026-02-08")),
        (Period.MONTH, ("2025-11-01", "2025-11-30"), ("2026-02-01", "2026-02-28")),
        (Period.QUARTER, ("2025-10-01", "2025-12-31"), ("2026-01-01", "2026-03-31")),
        (Period.YEAR, ("2025-01-01", "2025-12-31"), ("2026-01-01", "2026-12-31")),
    ],
)
def test_steps_are_days_iso_weeks_months_quarters_and_years(
    period: Period, first: tuple[str, str], last: tuple[str, str]
) -> None:
    steps = list(steps_of(DateRange(d("2025-11-12"), d("2026-02-03")), period))
    assert (steps[0], steps[-1]) == (SeriesStep(*map(d, first)), SeriesStep(*map(d, last)))


@given(st.dates(), MANY_DAYS, st.sampled_from(Period))
def test_steps_follow_each_other_and_cover_the_days(since: dt.date, days: int, period: Period) -> None:
    until = dt.date.fromordinal(min(since.toordinal() + days, dt.date.max.toordinal()))
    steps = list(steps_of(DateRange(since, until), period))
    assert steps[0].start <= since <= steps[0].end
    assert steps[-1].start <= until <= steps[-1].end
    for before, after in itertools.pairwise(steps):
        assert after.start - before.end == dt.timedelta(days=1)


def test_a_step_is_partial_where_the_days_cut_it_and_while_it_is_not_over() -> None:
    march = SeriesStep(d("2026-03-01"), d("2026-03-31"))
    whole = DateRange(march.start, march.end)
    assert not march.is_partial(whole, LATER)
    assert march.is_partial(DateRange(d("2026-03-02"), march.end), LATER)
    assert march.is_partial(DateRange(march.start, d("2026-03-30")), LATER)
    assert march.is_partial(whole, march.end), "its last day is today"
    assert not march.is_partial(whole, d("2026-04-01"))
