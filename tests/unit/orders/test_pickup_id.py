"""The ids of pickups: of a well-known form, stable, and readable without a row."""

import datetime as dt
import uuid

from hypothesis import given
from hypothesis import strategies as st

from services.orders.domain import pickup
from services.orders.domain.pickup_id import (
    PickupIdParts,
    ordered_pickup_id,
    pickup_key,
    read_pickup_id,
    regular_pickup_id,
)

OWNER = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
DAY = dt.date(2026, 3, 5)
NUMBERS = st.integers(1, 2**31 - 1)


@given(st.uuids(), st.dates())
def test_a_regular_pickups_id_says_its_agreements_key_and_its_day(agreement_id: uuid.UUID, day: dt.date) -> None:
    pickup_id = regular_pickup_id(agreement_id, day)
    assert (pickup_id.version, pickup_id.variant) == (8, uuid.RFC_4122)
    assert read_pickup_id(pickup_id) == PickupIdParts(pickup_key(agreement_id), day, None)


@given(st.uuids(), NUMBERS)
def test_an_ordered_pickups_id_says_its_orders_key_and_its_number(order_id: uuid.UUID, number: int) -> None:
    pickup_id = ordered_pickup_id(order_id, number)
    assert (pickup_id.version, pickup_id.variant) == (8, uuid.RFC_4122)
    assert read_pickup_id(pickup_id) == PickupIdParts(pickup_key(order_id), None, number)


@given(st.sets(st.uuids(), max_size=20), st.sets(st.dates(), max_size=5), st.sets(NUMBERS, max_size=5))
def test_different_pickups_have_different_ids(owners: set[uuid.UUID], days: set[dt.date], numbers: set[int]) -> None:
    ids = [regular_pickup_id(owner, day) for owner in owners for day in days]
    ids += [ordered_pickup_id(owner, number) for owner in owners for number in numbers]
    assert len(set(ids)) == len(owners) * (len(days) + len(numbers))


@given(st.integers(0, 2**128 - 1))
def test_an_id_that_is_read_is_the_one_that_is_written_again(number: int) -> None:
    """Also of UUIDs that differ from a pickup's in a few bits alone."""
    for pickup_id in (uuid.UUID(int=number), uuid.UUID(int=regular_pickup_id(OWNER, DAY).int ^ 1 << number % 128)):
        parts = read_pickup_id(pickup_id)
        if parts is None:
            continue
        assert (parts.planned_on is None) != (parts.number is None)
        # The key takes the first 48 bits and the 12 after the version; the rest says the day or the number.
        assert parts.key == int(pickup_id.hex[:12] + pickup_id.hex[13:16], 16)
        same_end = ordered_pickup_id(OWNER, parts.number) if parts.number else None
        same_end = regular_pickup_id(OWNER, parts.planned_on) if parts.planned_on else same_end
        assert same_end is not None
        assert pickup_id.hex[16:] == same_end.hex[16:]


def test_ids_of_other_things_are_of_no_pickup() -> None:
    assert read_pickup_id(OWNER) is None
    assert read_pickup_id(uuid.uuid5(OWNER, "2026-03-05")) is None
    assert read_pickup_id(uuid.UUID("8ebaa4b2-2d42-8c89-8000-0000fff506c5")) is None, "the day before the first of all"
    assert read_pickup_id(uuid.UUID("8ebaa4b2-2d42-8c89-a000-000000000000")) is None, "before the first of an order"


def test_the_form_of_an_id_stays() -> None:
    """A change would have the pickups that partners know be others."""
    assert str(regular_pickup_id(OWNER, DAY)) == "96f8b57a-1c6d-8e83-8000-000000005025"
    assert str(ordered_pickup_id(OWNER)) == "96f8b57a-1c6d-8e83-a000-000000000001"


def test_a_pickup_keeps_its_id_when_it_is_moved() -> None:
    moved = DAY + dt.timedelta(days=1)
    assert pickup.regular_pickup(OWNER, DAY, DAY).id == pickup.regular_pickup(OWNER, DAY, moved).id
    assert pickup.regular_pickup(OWNER, moved, moved).id != pickup.regular_pickup(OWNER, DAY, moved).id
    assert pickup.ordered_pickup(OWNER, OWNER, DAY).id == pickup.ordered_pickup(OWNER, OWNER, moved).id
