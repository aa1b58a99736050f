"""O3: the offered days, and the refusals of the others."""

import datetime as dt
import zoneinfo

from hypothesis import given
from hypothesis import strategies as st

from services.orders.domain import offers, pickup
from services.orders.domain.calendar import Schedule
from tests.unit.orders.factories import NOBODY, agreement, holidays, route, schedule

HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


def offered(plan: Schedule, now: dt.datetime = NOW) -> list[dt.date]:
    return [one.date for one in offers.offered_days(plan, now, HELSINKI)]


def test_the_free_days_of_eight_weeks_are_offered() -> None:
    assert offered(schedule()) == [d("03-12"), d("03-26"), d("04-09"), d("04-23")]


def test_an_ordered_day_is_not_offered_again() -> None:
    extra = pickup.ordered_pickup(agreement().id, NOBODY, d("03-12"))
    assert d("03-12") not in offered(schedule(ordered=(extra,)))
    assert offers.refusal_code(schedule(ordered=(extra,)), d("03-12"), NOW, HELSINKI) == offers.ALREADY_PLANNED


def test_a_holiday_is_offered_on_the_day_that_it_moves_to() -> None:
    plan = schedule(moves=holidays((d("03-12"), d("03-13"))))
    assert offered(plan)[0] == d("03-13")
    assert offers.refusal_code(plan, d("03-12"), NOW, HELSINKI) == offers.NOT_ON_ROUTE


def test_a_route_day_that_is_moved_onto_a_planned_pickup_is_not_offered() -> None:
    plan = schedule(moves=holidays((d("03-10"), d("03-19"))), follows=route("TU TH"))
    assert d("03-10") not in offered(plan)
    assert d("03-19") not in offered(plan)


def test_an_ended_agreement_offers_nothing_after_its_end() -> None:
    assert offered(schedule(agreement(ended_on=d("03-12")))) == [d("03-12")]


def test_the_reasons_in_their_order() -> None:
    def reason(day: dt.date) -> str | None:
        return offers.refusal_code(schedule(), day, NOW, HELSINKI)

    assert reason(d("03-03")) == offers.IN_THE_PAST
    assert reason(d("03-05")) == offers.PAST_CUT_OFF, "planned, too, but it is too late in any case"
    assert reason(d("03-11")) == offers.NOT_ON_ROUTE
    assert reason(d("03-19")) == offers.ALREADY_PLANNED
    assert reason(d("03-12")) is None
    assert reason(d("04-30")) == offers.NOT_ON_ROUTE, "farther ahead than is offered"
    assert reason(dt.date.max) == offers.NOT_ON_ROUTE
    assert reason(dt.date.min) == offers.IN_THE_PAST


def test_today_is_the_operators_day() -> None:
    late = dt.datetime(2026, 3, 4, 22, 30, tzinfo=dt.UTC)  # the 5th in Helsinki
    assert offers.refusal_code(schedule(), d("03-04"), late, HELSINKI) == offers.IN_THE_PAST


@given(
    st.timedeltas(dt.timedelta(days=-30), dt.timedelta(days=60)).map(lambda by: NOW + by),
    st.dictionaries(st.integers(0, 120), st.integers(-3, 125), max_size=10),
    st.integers(1, 4),
)
def test_exactly_the_offered_days_can_be_ordered(now: dt.datetime, moves: dict[int, int], weeks: int) -> None:
    start = d("02-01")
    feasts = holidays(*((start + dt.timedelta(days=a), start + dt.timedelta(days=b)) for a, b in moves.items()))
    plan = schedule(agreement(interval_weeks=weeks), feasts, route("MO TH"))
    today = now.astimezone(HELSINKI).date()
    days = [today + dt.timedelta(days=n) for n in range(-7, 70)]
    assert offered(plan, now) == [day for day in days if offers.refusal_code(plan, day, now, HELSINKI) is None]
