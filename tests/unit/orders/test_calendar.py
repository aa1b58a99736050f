"""O2: planned, moved, ordered and recorded pickups are one list."""

import datetime as dt

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.orders.pickups import PickupState
from services.orders.domain import calendar, pickup
from services.orders.domain.calendar import Schedule
from services.orders.domain.pickup import PickupOutcome, PickupRecord
from tests.unit.orders.factories import NOBODY, agreement, holidays, schedule

EMPTIED = PickupOutcome(state=PickupState.EMPTIED, grams=500)
AGREEMENT = agreement()


def d(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


def done(planned: PickupRecord) -> PickupRecord:
    return pickup.apply_outcome(planned, EMPTIED)


def regular(planned_on: str, date: str | None = None) -> PickupRecord:
    return pickup.regular_pickup(AGREEMENT.id, d(planned_on), d(date or planned_on))


def dates(plan: Schedule, since: str, until: str) -> list[dt.date]:
    return [one.date for one in calendar.pickups_between(plan, d(since), d(until))]


def next_day(plan: Schedule, today: dt.date) -> dt.date | None:
    found = calendar.next_pickup(plan, today)
    return found.date if found else None


def test_a_recorded_pickup_replaces_the_planned_one() -> None:
    plan = schedule(recorded=(done(regular("03-05")),))
    first, second = calendar.pickups_between(plan, d("03-01"), d("03-31"))
    assert (first.date, first.outcome) == (d("03-05"), EMPTIED)
    assert (second.date, second.outcome.state) == (d("03-19"), PickupState.PLANNED)


def test_a_pickup_done_before_its_holiday_was_known_keeps_its_date() -> None:
    plan = schedule(moves=holidays((d("03-05"), d("03-06"))), recorded=(done(regular("03-05")),))
    assert dates(plan, "03-01", "03-10") == [d("03-05")]
    assert dates(plan, "03-06", "03-06") == []


def test_a_recorded_pickup_that_was_never_planned_is_shown() -> None:
    plan = schedule(recorded=(done(regular("01-02")),))
    assert dates(plan, "01-01", "01-10") == [d("01-02"), d("01-08")]


def test_ordered_pickups_are_among_the_regular_ones_and_recorded_in_place() -> None:
    extra = pickup.ordered_pickup(AGREEMENT.id, NOBODY, d("03-12"))
    assert dates(schedule(ordered=(extra,)), "03-01", "03-20") == [d("03-05"), d("03-12"), d("03-19")]
    _, one, _ = calendar.pickups_between(schedule(ordered=(extra,), recorded=(done(extra),)), d("03-01"), d("03-20"))
    assert (one.order_id, one.outcome) == (NOBODY, EMPTIED)


def test_two_planned_days_that_holidays_move_onto_one_are_two_pickups() -> None:
    weekly = agreement(interval_weeks=1)
    plan = schedule(weekly, holidays((d("03-05"), d("03-12"))))
    assert dates(plan, "03-01", "03-15") == [d("03-12"), d("03-12")]


@given(
    st.dictionaries(st.integers(0, 60), st.integers(-7, 70), max_size=15),
    st.integers(-10, 70),
    st.integers(0, 30),
    st.integers(1, 3),
)
def test_any_range_is_a_part_of_the_whole(moves: dict[int, int], begin: int, length: int, weeks: int) -> None:
    start = d("03-01")

    def day(n: int) -> dt.date:
        return start + dt.timedelta(days=n)

    plan = schedule(agreement(interval_weeks=weeks), holidays(*((day(a), day(b)) for a, b in moves.items())))
    whole = calendar.pickups_between(plan, day(-100), day(200))
    assert len({one.id for one in whole}) == len(whole)
    part = calendar.pickups_between(plan, day(begin), day(begin + length))
    assert part == [one for one in whole if day(begin) <= one.date <= day(begin + length)]


def test_the_next_pickup_is_the_first_that_is_not_done() -> None:
    today = d("03-05")
    assert next_day(schedule(), today) == today
    assert next_day(schedule(recorded=(done(regular("03-05")),)), today) == d("03-19")
    arrived = pickup.apply_outcome(regular("03-05"), PickupOutcome(state=PickupState.ARRIVED))
    assert calendar.next_pickup(schedule(recorded=(arrived,)), today) == arrived


@given(
    st.dictionaries(st.integers(0, 60), st.integers(-7, 70), max_size=15),
    st.sets(st.integers(0, 12)),
    st.sets(st.integers(0, 12)),
    st.integers(-10, 70),
    st.integers(1, 3),
)
def test_the_next_pickup_is_the_first_of_the_calendar_that_is_not_done_for_any_holidays(
    moves: dict[int, int], finished: set[int], arrived: set[int], today: int, weeks: int
) -> None:
    start = d("03-01")

    def day(n: int) -> dt.date:
        return start + dt.timedelta(days=n)

    plan = schedule(agreement(interval_weeks=weeks), holidays(*((day(a), day(b)) for a, b in moves.items())))
    whole = calendar.pickups_between(plan, start, day(200))
    on_its_way = PickupOutcome(state=PickupState.ARRIVED)
    recorded = [pickup.apply_outcome(one, on_its_way) for n, one in enumerate(whole) if n in arrived - finished]
    recorded += [done(one) for n, one in enumerate(whole) if n in finished]
    plan = msgspec.structs.replace(plan, recorded=recorded)
    ahead = [
        one
        for one in calendar.pickups_between(plan, day(today), day(300))
        if one.outcome.state not in calendar.DONE_STATES
    ]
    assert calendar.next_pickup(plan, day(today)) == ahead[0]


def test_a_holiday_moves_the_next_pickup() -> None:
    over_today = schedule(moves=holidays((d("03-05"), d("03-09"))))
    assert next_day(over_today, d("03-05")) == d("03-09")
    assert next_day(over_today, d("03-06")) == d("03-09"), "planned before today, done after it"
    before_today = schedule(moves=holidays((d("03-05"), d("03-03"))))
    assert next_day(before_today, d("03-04")) == d("03-19"), "moved to before today"


def test_an_ordered_pickup_may_be_the_next() -> None:
    extra = pickup.ordered_pickup(AGREEMENT.id, NOBODY, d("03-12"))
    assert next_day(schedule(ordered=(extra,)), d("03-06")) == d("03-12")
    assert next_day(schedule(ordered=(extra,), recorded=(done(extra),)), d("03-06")) == d("03-19")
    assert next_day(schedule(ordered=(extra,)), d("03-13")) == d("03-19")


def test_the_lower_id_is_next_of_two_pickups_on_one_day() -> None:
    extra = pickup.ordered_pickup(AGREEMENT.id, NOBODY, d("03-19"))
    found = calendar.next_pickup(schedule(ordered=(extra,)), d("03-06"))
    assert found == min(regular("03-19"), extra, key=calendar.date_key)


def test_an_ended_agreement_has_no_next_pickup() -> None:
    ended = msgspec.structs.replace(AGREEMENT.facts, ended_on=d("03-04"))
    assert next_day(schedule(msgspec.structs.replace(AGREEMENT, facts=ended)), d("03-05")) is None


def test_a_report_names_a_pickup_by_the_rhythms_day_or_the_day_on_which_it_comes() -> None:
    moves = holidays((d("03-05"), d("03-06")))
    moved = regular("03-05", "03-06")
    assert calendar.reported_pickups(AGREEMENT, moves, (), d("03-06")) == [moved]
    assert calendar.reported_pickups(AGREEMENT, moves, (), d("03-05")) == [moved]
    assert calendar.reported_pickups(AGREEMENT, moves, (), d("03-07")) == []
    extra = pickup.ordered_pickup(AGREEMENT.id, NOBODY, d("03-12"))
    other = pickup.ordered_pickup(NOBODY, NOBODY, d("03-12"))
    assert calendar.reported_pickups(AGREEMENT, moves, (other, extra), d("03-12")) == [extra]
    assert calendar.reported_pickups(AGREEMENT, moves, (other,), d("03-12")) == []


def test_the_rhythms_day_wins_over_a_pickup_that_is_moved_to_it() -> None:
    onto_the_next = holidays((d("03-05"), d("03-19")))
    assert calendar.reported_pickups(AGREEMENT, onto_the_next, (), d("03-19")) == [regular("03-19")]
    assert calendar.reported_pickups(AGREEMENT, onto_the_next, (), d("03-05")) == [regular("03-05", "03-19")]


def test_a_day_on_which_two_pickups_come_means_both() -> None:
    onto_the_ordered = holidays((d("03-05"), d("03-12")))
    extra = pickup.ordered_pickup(AGREEMENT.id, NOBODY, d("03-12"))
    assert calendar.reported_pickups(AGREEMENT, onto_the_ordered, (extra,), d("03-12")) == [
        regular("03-05", "03-12"),
        extra,
    ]


def test_a_pickup_that_nobody_reported_is_unreported_from_the_next_working_day_on() -> None:
    thursday, friday = regular("03-05"), regular("03-06")
    none = holidays()
    states = [calendar.state_on(thursday, none, d(f"03-0{day}")) for day in (4, 5, 6, 7)]
    assert states == [PickupState.PLANNED] * 2 + [PickupState.UNREPORTED] * 2
    over_a_weekend = [calendar.state_on(friday, none, d(day)) for day in ("03-06", "03-07", "03-08", "03-09")]
    assert over_a_weekend == [PickupState.PLANNED] * 3 + [PickupState.UNREPORTED]
    monday_is_free = holidays((d("03-09"), d("03-10")))
    over_a_holiday = [calendar.state_on(friday, monday_is_free, d(day)) for day in ("03-09", "03-10")]
    assert over_a_holiday == [PickupState.PLANNED, PickupState.UNREPORTED]


def test_a_moved_pickup_is_unreported_after_the_day_to_which_it_was_moved() -> None:
    moved = regular("03-05", "03-10")
    assert calendar.state_on(moved, holidays(), d("03-10")) is PickupState.PLANNED
    assert calendar.state_on(moved, holidays(), d("03-11")) is PickupState.UNREPORTED


@given(st.sampled_from([state for state in PickupState if state is not PickupState.PLANNED]), st.integers(0, 400))
def test_a_reported_pickup_keeps_its_state(state: PickupState, days: int) -> None:
    reported = pickup.apply_outcome(regular("03-05"), PickupOutcome(state=state))
    assert calendar.state_on(reported, holidays(), d("03-05") + dt.timedelta(days=days)) is state
