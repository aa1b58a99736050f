"""P1, P4: partners read the event log after a cursor, in order and complete."""

import datetime as dt

import msgspec
import pytest

from services.chassis.ids import new_uuid, write_id
from services.chassis.problems import Forbidden, MalformedInput
from services.contracts.orders.event_log import CursorExpired, EventPage
from services.contracts.orders.events import OrderPlaced
from services.contracts.orders.orders import Ordered
from services.contracts.values import Refusal
from tests.component.orders.scenario import OrdersScenario, day, extra_pickup

KINDS = ["orders.order.placed", "orders.order.moved", "orders.order.moved"]


async def with_orders(scenario: OrdersScenario) -> None:
    """Order a pickup for each organisation: six events in all."""
    for caller, number, on in [
        (await scenario.member(), "A1", "26.3."),
        (await scenario.other_member(), "A4", "26.3."),
    ]:
        answer = await scenario.harness.api(caller).order_extra_pickup(extra_pickup(scenario.id(number), on))
        assert isinstance(answer, Ordered)
    await scenario.number_events()


def page_of(answer: object) -> EventPage:
    assert isinstance(answer, EventPage), answer
    return answer


async def test_the_whole_log_is_read_page_by_page(scenario: OrdersScenario) -> None:
    await with_orders(scenario)
    api = scenario.harness.api(await scenario.partner("orders:subscribe", everywhere=True))
    first = page_of(await api.events("START", 4))
    assert [event.type for event in first.events] == [*KINDS, KINDS[0]]
    assert ([event.sequence for event in first.events], first.end) == ([1, 2, 3, 4], False)
    assert first.cursor == first.events[-1].cursor
    second = page_of(await api.events(first.cursor, 4))
    assert ([event.sequence for event in second.events], second.end) == ([5, 6], True)
    third = page_of(await api.events(second.cursor, 4))
    assert (third.events, third.cursor, third.end) == ([], second.cursor, True)
    exact = page_of(await api.events(first.cursor, 2))
    assert (len(exact.events), exact.end) == (2, True)


async def test_an_event_is_shown_as_it_was_emitted(scenario: OrdersScenario) -> None:
    await with_orders(scenario)
    event = page_of(await scenario.harness.api(await scenario.staff()).events("START", 1)).events[0]
    placed = (await scenario.harness.emitted_events(OrderPlaced))[0]
    assert msgspec.json.decode(event.data, type=OrderPlaced) == placed
    assert (event.subject, event.organisation_id) == (placed.order_id, scenario.organisation_id)
    assert (event.time, placed.date) == (dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC), day("26.3."))


async def test_without_a_cursor_reading_starts_at_the_end(scenario: OrdersScenario) -> None:
    await with_orders(scenario)
    api = scenario.harness.api(await scenario.staff())
    now = page_of(await api.events(None, 10))
    assert (now.events, now.end) == ([], True)
    assert now.cursor == page_of(await api.events("START", 10)).cursor


async def test_a_partner_sees_its_organisations_alone(scenario: OrdersScenario) -> None:
    await with_orders(scenario)
    partner = scenario.harness.api(await scenario.partner("orders:subscribe"))
    page = page_of(await partner.events("START", 10))
    assert [(event.sequence, event.organisation_id) for event in page.events] == [
        (n, scenario.organisation_id) for n in (1, 2, 3)
    ]
    assert page.end
    nowhere = scenario.harness.api(await scenario.partner("orders:subscribe", nowhere=True))
    assert page_of(await nowhere.events("START", 10)).events == []


async def test_a_filter_that_no_event_passes_moves_the_cursor(scenario: OrdersScenario) -> None:
    await with_orders(scenario)
    api = scenario.harness.api(await scenario.staff())
    nothing = page_of(await api.events("START", 10, ["orders.pickup.recorded"]))
    assert (nothing.events, nothing.end) == ([], True)
    assert nothing.cursor == page_of(await api.events(None, 1)).cursor
    placed = page_of(await api.events("START", 10, ["orders.order.placed"]))
    assert [event.sequence for event in placed.events] == [1, 4]
    one = page_of(await api.events("START", 10, None, scenario.other_organisation_id))
    assert [event.sequence for event in one.events] == [4, 5, 6]


async def test_an_organisation_out_of_reach_is_not_found(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.partner("orders:subscribe"))
    for organisation_id in (scenario.other_organisation_id, write_id("org", new_uuid()), "nonsense"):
        answer = await api.events("START", 10, None, organisation_id)
        assert isinstance(answer, Refusal)
        assert (answer.problems[0].code, answer.problems[0].path) == ("NOT_FOUND", ["organisationId"])


@pytest.mark.parametrize("first", [0, -1, 501])
async def test_a_page_has_one_to_five_hundred_events(scenario: OrdersScenario, first: int) -> None:
    with pytest.raises(MalformedInput, match="first: reason RANGE, least 1, most 500"):
        await scenario.harness.api(await scenario.staff()).events("START", first)


async def test_an_expired_cursor_is_answered_with_the_start(scenario: OrdersScenario) -> None:
    await with_orders(scenario)
    api = scenario.harness.api(await scenario.staff())
    first = page_of(await api.events("START", 1))
    await scenario.harness.pool.execute("DELETE FROM chassis.outbox WHERE sequence <= 2")
    expired = await api.events(first.cursor, 10)
    assert isinstance(expired, CursorExpired)
    rest = page_of(await api.events(expired.start, 10))
    assert [event.sequence for event in rest.events] == [3, 4, 5, 6]

    assert isinstance(await api.events("nonsense", 10), CursorExpired)
    await scenario.harness.pool.execute("UPDATE chassis.leader SET generation = gen_random_uuid()")
    assert isinstance(await api.events(rest.cursor, 10), CursorExpired), "a restored database is another log"


async def test_a_cursor_from_beyond_the_log_has_expired(scenario: OrdersScenario) -> None:
    await with_orders(scenario)
    api = scenario.harness.api(await scenario.staff())
    end = page_of(await api.events(None, 1)).cursor
    await scenario.harness.pool.execute("UPDATE chassis.leader SET last_sequence = 3")
    assert isinstance(await api.events(end, 10), CursorExpired)


async def test_permissions_to_read_events(scenario: OrdersScenario) -> None:
    for caller in (await scenario.member(), await scenario.partner("orders:read", "pickups:report")):
        with pytest.raises(Forbidden):
            await scenario.harness.api(caller).events("START", 10)
