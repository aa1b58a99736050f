"""O2: pickups of holidays move to other days."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from services.orders.domain.holidays import Country, country_of
from tests.unit.orders.factories import holiday, holidays

DAY = dt.date(2026, 12, 24)


def after(days: int) -> dt.date:
    return DAY + dt.timedelta(days=days)


def test_a_day_that_is_not_a_holiday_stays() -> None:
    assert holidays().pickup_day(DAY) == DAY
    assert holidays((DAY, after(2))).pickup_day(after(1)) == after(1)


def test_a_chain_of_holidays_is_followed_to_its_end() -> None:
    christmas = holidays((DAY, after(1)), (after(1), after(2)), (after(2), after(4)))
    assert [christmas.pickup_day(after(n)) for n in range(4)] == [after(4), after(4), after(4), after(3)]
    assert christmas.days_moved_into(after(4), after(4)) == [DAY, after(1), after(2)]
    assert christmas.days_moved_into(DAY, after(3)) == []


def test_a_holiday_may_move_backwards() -> None:
    assert holidays((DAY, after(-1))).pickup_day(DAY) == after(-1)


def test_a_holiday_that_moves_to_itself_keeps_its_pickups() -> None:
    driven = holidays((DAY, DAY))
    assert driven.pickup_day(DAY) == DAY
    assert driven.days_moved_into(DAY, DAY) == []
    assert driven.on(DAY) is not None


def test_holidays_that_move_in_a_cycle_leave_pickups_in_place() -> None:
    circle = holidays((DAY, after(1)), (after(1), DAY), (after(2), DAY))
    assert [circle.pickup_day(after(n)) for n in range(3)] == [DAY, after(1), after(2)]


@given(st.dictionaries(st.integers(0, 15), st.integers(-5, 20), max_size=12))
def test_every_chain_ends_and_days_moved_into_is_its_inverse(moves: dict[int, int]) -> None:
    calendar = holidays(*((after(day), after(to)) for day, to in moves.items()))
    for n in range(-5, 21):
        expected = sorted(after(day) for day in moves if calendar.pickup_day(after(day)) == after(n) and day != n)
        assert calendar.days_moved_into(after(n), after(n)) == expected


def test_a_holiday_has_a_name_in_every_language() -> None:
    calendar = holiday(DAY, after(1))
    assert [calendar.name(language) for language in ("fi", "sv", "nb", "en")] == ["Juhla", "Fest", "Fest", "Feast"]


def test_the_operators_zone_decides_the_country() -> None:
    assert country_of("Europe/Helsinki") is Country.FI
    assert country_of("Europe/Oslo") is Country.NO
    assert country_of("Europe/Stockholm") is Country.SE
    assert country_of("UTC") is None
