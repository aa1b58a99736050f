"""O16: the days on which a route runs."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.domain.routes import WEEKDAYS, Route, runs_on
from tests.unit.orders.factories import route

DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2035, 12, 31))


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def test_a_route_runs_on_its_weekdays() -> None:
    assert [day for day in range(1, 8) if runs_on(route("MO TH"), dt.date(2026, 3, 1 + day))] == [1, 4]


def test_a_route_of_every_second_week_counts_iso_weeks_over_the_turn_of_the_year() -> None:
    every_second = route("MO", 2, first_week=d("2025-12-17"))  # ISO week 51 of 2025
    assert [
        day for day in ("2025-12-15", "2025-12-22", "2025-12-29", "2026-01-05") if runs_on(every_second, d(day))
    ] == [
        "2025-12-15",
        "2025-12-29",
    ]


def test_a_sunday_belongs_to_the_week_before_the_next_monday() -> None:
    sundays = route("SU", 2, first_week=d("2024-08-26"), valid_from=d("2024-01-01"))
    assert runs_on(sundays, d("2024-09-01")), "1.9.2024 is the Sunday of the week of 26.8."
    assert not runs_on(sundays, d("2024-09-08"))


def test_a_route_runs_while_it_is_valid_both_days_inclusive() -> None:
    limited = route("TH", valid_from=d("2026-03-05"), valid_until=d("2026-03-12"))
    days = ("2026-02-26", "2026-03-05", "2026-03-12", "2026-03-19")
    assert [day for day in days if runs_on(limited, d(day))] == ["2026-03-05", "2026-03-12"]


@given(DAYS, DAYS, st.integers(1, 12), st.sampled_from(WEEKDAYS))
def test_a_route_runs_once_in_every_nth_week(first: dt.date, day: dt.date, interval: int, weekday: str) -> None:
    periodic = route(weekday, interval, first_week=first, valid_from=d("2000-01-01"))
    days = [day + dt.timedelta(days=n) for n in range(7 * interval)]
    assert sum(runs_on(periodic, run_day) for run_day in days) == 1


@pytest.mark.parametrize("weekdays", ["", "MON", "MO,TH", "MO  TH", "mo"])
def test_malformed_weekdays_are_refused(weekdays: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(msgspec.to_builtins(route()) | {"weekdays": weekdays}, Route)
