"""T1, T10: the share of the volumes of a pickup, and its correction by a newer version."""

import datetime as dt
import uuid
import zoneinfo
from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.orders.pickups import PickupState
from services.contracts.sites import Fraction
from services.stats.domain.pickup import PickupFact, VolumeDelta, correcting_deltas, counting_day, volume_delta

HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
IDS = [uuid.UUID(int=number) for number in range(1, 4)]

PICKUP = PickupFact(
    id=IDS[0],
    organisation_id=IDS[0],
    site_id=IDS[1],
    agreement_id=IDS[0],
    order_id=None,
    article_id=IDS[2],
    fraction=Fraction.RESIDUAL,
    date=dt.date(2026, 3, 3),
    state=PickupState.EMPTIED,
    done_at=dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC),
    grams=38_500,
    version=1,
)

somewhere = st.none() | st.builds(
    VolumeDelta,
    organisation_id=st.sampled_from(IDS),
    day=st.dates(dt.date(2026, 3, 1), dt.date(2026, 3, 2)),
    site_id=st.sampled_from(IDS),
    article_id=st.none() | st.sampled_from(IDS),
    fraction=st.sampled_from([Fraction.RESIDUAL, Fraction.BIOWASTE, None]),
    grams=st.integers(0, 100),
    pickups=st.just(1),
)


def test_only_an_emptied_pickup_counts() -> None:
    for state in PickupState:
        counts = counting_day(msgspec.structs.replace(PICKUP, state=state), HELSINKI) is not None
        assert counts is (state is PickupState.EMPTIED)


def test_a_pickup_counts_on_the_operators_day_of_its_outcome() -> None:
    assert counting_day(PICKUP, HELSINKI) == dt.date(2026, 3, 4)
    late = dt.datetime(2026, 3, 31, 21, 30, tzinfo=dt.UTC)
    assert counting_day(msgspec.structs.replace(PICKUP, done_at=late), HELSINKI) == dt.date(2026, 4, 1)


def test_a_pickup_without_an_instant_counts_on_its_planned_day() -> None:
    assert counting_day(msgspec.structs.replace(PICKUP, done_at=None), HELSINKI) == dt.date(2026, 3, 3)
    assert counting_day(msgspec.structs.replace(PICKUP, done_at=None, date=None), HELSINKI) is None


def test_a_pickup_that_was_not_weighed_counts_with_no_grams() -> None:
    found = volume_delta(msgspec.structs.replace(PICKUP, grams=None), dt.date(2026, 3, 4))
    assert found is not None
    assert (found.grams, found.pickups) == (0, 1)


def test_a_pickup_that_does_not_count_adds_nothing() -> None:
    assert volume_delta(PICKUP, None) is None


def test_another_weight_under_the_same_key_is_one_delta() -> None:
    before = volume_delta(PICKUP, dt.date(2026, 3, 4))
    after = volume_delta(msgspec.structs.replace(PICKUP, grams=40_000), dt.date(2026, 3, 4))
    (line,) = correcting_deltas(before, after)
    assert (line.grams, line.pickups) == (1_500, 0)


@given(somewhere, somewhere)
def test_corrections_turn_the_old_share_into_the_new_one(before: VolumeDelta | None, after: VolumeDelta | None) -> None:
    lines = correcting_deltas(before, after)
    assert len({_place(line) for line in lines}) == len(lines) <= 2, "one delta a key"
    assert _sum([before, *lines]) == _sum([after])
    assert lines or before == after


def _sum(lines: list[VolumeDelta | None]) -> dict[object, tuple[int, int]]:
    grams: Counter[object] = Counter()
    pickups: Counter[object] = Counter()
    for line in lines:
        if line is not None:
            grams[_place(line)] += line.grams
            pickups[_place(line)] += line.pickups
    return {place: (grams[place], pickups[place]) for place in grams if grams[place] or pickups[place]}


def _place(line: VolumeDelta) -> VolumeDelta:
    return msgspec.structs.replace(line, grams=0, pickups=0)
