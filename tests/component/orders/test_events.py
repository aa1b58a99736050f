"""P1, P4: partners read the event log after a cursor, in order and complete."""

import datetime as dt

import msgspec
import pytest

from services.access.caller import Caller
from services.chassis.ids import new_uuid, write_id
from services.chassis.problems import Forbidden, MalformedInput
from services.contracts.identity.events import Grant
from services.contracts.orders.event_log import CursorExpired, EventPage, OrderEventFilter
from services.contracts.orders.events import OrderPlaced, PickupMoved
from services.contracts.orders.orders import Ordered
from services.contracts.permission import Role
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
    nothing = page_of(await api.events("START", 10, OrderEventFilter(types=["orders.pickup.recorded"])))
    assert (nothing.events, nothing.end) == ([], True)
    assert nothing.cursor == page_of(await api.events(None, 1)).cursor
    placed = page_of(await api.events("START", 10, OrderEventFilter(types=["orders.order.placed"])))
    assert [event.sequence for event in placed.events] == [1, 4]
    one = page_of(await api.events("START", 10, OrderEventFilter(organisation_ids=[scenario.other_organisation_id])))
    assert [event.sequence for event in one.events] == [4, 5, 6]


async def test_an_organisation_out_of_reach_is_not_found(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.partner("orders:subscribe"))
    for organisation_id in (scenario.other_organisation_id, write_id("org", new_uuid()), "nonsense"):
        wanted = OrderEventFilter(organisation_ids=[scenario.organisation_id, organisation_id])
        answer = await api.events("START", 10, wanted)
        assert isinstance(answer, Refusal)
        assert (answer.problems[0].code, answer.problems[0].path) == ("NOT_FOUND", ["filter", "organisationIds", "1"])


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

    await scenario.harness.pool.execute("UPDATE chassis.leader SET generation = gen_random_uuid()")
    assert isinstance(await api.events(rest.cursor, 10), CursorExpired), "a restored database is another log"


async def test_a_cursor_from_beyond_the_log_has_expired(scenario: OrdersScenario) -> None:
    await with_orders(scenario)
    api = scenario.harness.api(await scenario.staff())
    end = page_of(await api.events(None, 1)).cursor
    await scenario.harness.pool.execute("UPDATE chassis.leader SET last_sequence = 3")
    assert isinstance(await api.events(end, 10), CursorExpired)


async def test_permissions_to_read_events(scenario: OrdersScenario) -> None:
    with pytest.raises(Forbidden):
        await scenario.harness.api(await scenario.partner("orders:read", "pickups:report")).events("START", 10)


@pytest.mark.parametrize("cursor", ["nonsense", "", "start"])
async def test_a_cursor_of_no_log_is_malformed(scenario: OrdersScenario, cursor: str) -> None:
    with pytest.raises(MalformedInput, match="after: reason OTHER_LIST"):
        await scenario.harness.api(await scenario.staff()).events(cursor, 10)


async def site_of_each(scenario: OrdersScenario) -> dict[int, str | None]:
    """Order for sites 50 and 60 and move a pickup of site 51; return the site of each event, by its sequence."""
    await with_orders(scenario)
    async with scenario.harness.work() as tx:
        tx.emit(
            PickupMoved(
                pickup_id=write_id("pickup", new_uuid()),
                organisation_id=scenario.organisation_id,
                site_id=scenario.sites["51"],
                agreement_id=scenario.id("A3"),
                planned_on=day("2.4."),
                date=day("1.4."),
            )
        )
    await scenario.number_events()
    page = page_of(await scenario.harness.api(await scenario.staff()).events("START", 100))
    return {event.sequence: event.site_id for event in page.events}


async def sequences_of(
    scenario: OrdersScenario, caller: Caller, event_filter: OrderEventFilter | None = None
) -> set[int]:
    page = page_of(await scenario.harness.api(caller).events("START", 100, event_filter))
    return {event.sequence for event in page.events}


async def test_a_member_sees_the_events_of_its_organisation_and_sites(scenario: OrdersScenario) -> None:
    sites = await site_of_each(scenario)
    at = {
        number: {sequence for sequence, site in sites.items() if site == scenario.sites[number]}
        for number in scenario.sites
    }
    assert [len(at[number]) for number in ("50", "51", "60")] == [3, 1, 3]
    assert await sequences_of(scenario, await scenario.member(Role.VIEWER)) == at["50"] | at["51"]
    assert await sequences_of(scenario, await scenario.member(sites=["51"])) == at["51"]
    assert await sequences_of(scenario, await scenario.member(sites=["50", "51"])) == at["50"] | at["51"]
    assert await sequences_of(scenario, await scenario.other_member()) == at["60"]


async def test_a_filter_by_sites_shows_what_the_caller_reaches(scenario: OrdersScenario) -> None:
    sites = await site_of_each(scenario)
    of_60 = {sequence for sequence, site in sites.items() if site == scenario.sites["60"]}
    wanted = OrderEventFilter(site_ids=[scenario.sites["60"], scenario.sites["51"], scenario.sites["60"], "nonsense"])
    (of_51,) = await sequences_of(scenario, await scenario.member(sites=["51"]), wanted)
    assert sites[of_51] == scenario.sites["51"]
    assert await sequences_of(scenario, await scenario.member(sites=["50"]), wanted) == set()
    assert await sequences_of(scenario, await scenario.staff(), wanted) == {*of_60, of_51}
    of_one = OrderEventFilter(site_ids=wanted.site_ids, organisation_ids=[scenario.other_organisation_id])
    assert await sequences_of(scenario, await scenario.staff(), of_one) == of_60


async def test_a_filter_by_organisation_shows_what_the_caller_reaches(scenario: OrdersScenario) -> None:
    sites = await site_of_each(scenario)
    wanted = OrderEventFilter(organisation_ids=[scenario.organisation_id])
    of_sites = {sequence for sequence, site in sites.items() if site != scenario.sites["60"]}
    assert await sequences_of(scenario, await scenario.staff(), wanted) == of_sites
    assert await sequences_of(scenario, await scenario.member(), wanted) == of_sites
    assert len(await sequences_of(scenario, await scenario.member(sites=["51"]), wanted)) == 1


async def test_an_event_without_a_site_is_shown_to_those_who_reach_the_whole_organisation(
    scenario: OrdersScenario,
) -> None:
    await with_orders(scenario)
    await scenario.harness.pool.execute("UPDATE chassis.outbox SET site_id = NULL WHERE sequence = 1")
    assert 1 in await sequences_of(scenario, await scenario.member())
    assert 1 not in await sequences_of(scenario, await scenario.member(sites=["50", "51"]))


async def test_grants_that_overlap_show_an_event_once(scenario: OrdersScenario) -> None:
    await with_orders(scenario)
    grants = [
        Grant(organisation_id=scenario.organisation_id, role=Role.VIEWER),
        Grant(organisation_id=scenario.organisation_id, role=Role.VIEWER, site_ids=[scenario.sites["50"]]),
    ]
    caller = await scenario.harness.caller(*grants)
    page = page_of(await scenario.harness.api(caller).events("START", 10))
    assert [event.sequence for event in page.events] == [1, 2, 3]


async def test_a_grant_that_ended_shows_nothing(scenario: OrdersScenario) -> None:
    await with_orders(scenario)
    ended = Grant(organisation_id=scenario.organisation_id, role=Role.VIEWER, until=dt.date(2026, 3, 3))
    assert await sequences_of(scenario, await scenario.harness.caller(ended)) == set()
