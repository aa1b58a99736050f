"""O3, O8, O14: days are offered, one is ordered once, and the order has a timeline."""

import asyncio
import datetime as dt
from typing import Any

import msgspec
import pytest

from services.access import copy
from services.access.caller import Caller
from services.chassis.ids import new_uuid, write_id
from services.chassis.problems import Forbidden
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.identity.people import Language
from services.contracts.orders.agreements import Offers
from services.contracts.orders.events import OrderMoved, OrderPlaced
from services.contracts.orders.orders import (
    Ordered,
    OrderExtraPickup,
    OrderFilter,
    OrderKind,
    OrderOrder,
    OrderOrderField,
    OrderState,
    Step,
)
from services.contracts.orders.pickups import Calendar, PickupState
from services.contracts.permission import Role, SubjectKind
from services.contracts.values import Money, Page, Refusal, refuse
from tests.component.orders.scenario import OrdersScenario, day, extra_pickup


def code_of(answer: object) -> str:
    """Return the code of a refusal with one problem."""
    assert isinstance(answer, Refusal), answer
    (problem,) = answer.problems
    return problem.code


async def offered(scenario: OrdersScenario, caller: Caller, number: str = "A1") -> Offers:
    (answer,) = await scenario.harness.api(caller).extra_pickup_offers([scenario.id(number)])
    assert isinstance(answer, Offers)
    return answer


async def test_only_days_of_the_route_without_a_pickup_are_offered(scenario: OrdersScenario) -> None:
    answer = await offered(scenario, await scenario.member(billing=True))
    assert [one.date for one in answer.offers] == [day("12.3."), day("26.3."), day("9.4."), day("23.4.")]
    first, *_, last = answer.offers
    assert first.cut_off == dt.datetime(2026, 3, 10, 10, 0, tzinfo=dt.UTC), "noon, two working days before"
    assert answer.offers[2].cut_off == dt.datetime(2026, 4, 7, 9, 0, tzinfo=dt.UTC), "in summer time"
    assert (first.tolerance_days, answer.citation) == (1, "Jätehuoltomääräykset 14 §")
    assert first.price == Money.net(1250, "EUR", 255)
    assert last.price == Money.net(1300, "EUR", 255), "the price of that day"


async def test_the_price_is_of_all_containers_and_needs_the_billing_permission(scenario: OrdersScenario) -> None:
    with_price = await offered(scenario, await scenario.member(billing=True), "A2")
    assert {one.price.minor for one in with_price.offers if one.price} == {2 * 990}
    without = await offered(scenario, await scenario.member(Role.ADMIN), "A2")
    assert {one.price for one in without.offers} == {None}


async def test_a_route_day_that_is_a_holiday_is_offered_on_the_day_it_moves_to(scenario: OrdersScenario) -> None:
    scenario.harness.clock.move(days=50)  # 23 April
    await scenario.harness.import_file(
        "agreements",
        "agreement_number,site_number,container_number,article_number,route_number,fraction,litres,count,"
        "interval_weeks,ordered_on,first_pickup,ended_on\n"
        "A5,50,C1,R360,TH1,RESIDUAL,360,1,12,2024-09-01,2026-04-23,\n",
    )
    staff = scenario.harness.api(await scenario.staff())
    (page,) = await staff.agreements_of_sites([scenario.sites["50"]], Page())
    scenario.agreements["A5"] = page.edges[-1].node
    days = [one.date for one in (await offered(scenario, await scenario.member(), "A5")).offers]
    assert day("15.5.") in days
    assert day("14.5.") not in days


async def test_a_day_is_offered_until_its_cut_off(scenario: OrdersScenario) -> None:
    caller = await scenario.member()
    scenario.harness.clock.instant = dt.datetime(2026, 3, 10, 10, 0, tzinfo=dt.UTC)
    assert (await offered(scenario, caller)).offers[0].date == day("12.3.")
    scenario.harness.clock.move(seconds=1)
    assert (await offered(scenario, caller)).offers[0].date == day("26.3.")


async def test_offers_for_many_agreements_come_in_their_order(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member(sites=["50"]))
    unknown = write_id("agreement", new_uuid())
    answers = await api.extra_pickup_offers([scenario.id("A2"), scenario.id("A3"), "x", unknown, scenario.id("A1")])
    assert [one.agreement_id if isinstance(one, Offers) else code_of(one) for one in answers] == [
        scenario.id("A2"),
        "NOT_FOUND",
        "NOT_FOUND",
        "NOT_FOUND",
        scenario.id("A1"),
    ]
    (ended,) = await scenario.harness.api(await scenario.member()).extra_pickup_offers([scenario.id("A3")])
    assert ended == Offers(agreement_id=scenario.id("A3"), offers=[], citation="")


async def test_an_order_is_scheduled_at_once_and_announced_step_by_step(scenario: OrdersScenario) -> None:
    caller = await scenario.member(billing=True)
    api = scenario.harness.api(caller)
    answer = await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "12.3."))
    assert isinstance(answer, Ordered)
    order = answer.order
    now = scenario.harness.clock.now()
    assert (order.state, order.date, order.version, order.placed_at) == (OrderState.SCHEDULED, day("12.3."), 3, now)
    assert order.price == Money.net(1250, "EUR", 255)
    assert order.timeline == [
        Step(state=OrderState.RECEIVED, at=now, by=caller.subject_id, reason=None),
        Step(state=OrderState.CONFIRMED, at=now, by="system", reason=None),
        Step(state=OrderState.SCHEDULED, at=now, by="system", reason=None),
    ]
    placed, confirmed, scheduled = await scenario.harness.emitted_events()
    assert isinstance(placed, OrderPlaced)
    assert (placed.order_id, placed.state, placed.version) == (order.id, OrderState.RECEIVED, 1)
    assert (placed.organisation_id, placed.site_id) == (scenario.organisation_id, scenario.sites["50"])
    for event, before, state, version in [
        (confirmed, OrderState.RECEIVED, OrderState.CONFIRMED, 2),
        (scheduled, OrderState.CONFIRMED, OrderState.SCHEDULED, 3),
    ]:
        assert isinstance(event, OrderMoved)
        assert (event.before, event.state, event.version) == (before, state, version)

    assert await api.orders_by_id([order.id, "order_x", write_id("order", new_uuid())]) == [order, None, None]
    assert await api.open_order_counts([scenario.sites["50"], scenario.sites["51"], "x"]) == [1, 0, 0]
    (calendar,) = await api.calendars([scenario.sites["50"]], day("12.3."), day("12.3."))
    assert isinstance(calendar, Calendar)
    (pickup,) = calendar.pickups
    assert (pickup.order_id, pickup.state, pickup.tolerance_days) == (order.id, PickupState.PLANNED, 1)
    assert day("12.3.") not in [one.date for one in (await offered(scenario, caller)).offers]


@pytest.mark.parametrize(
    ("on", "code"),
    [
        ("3.3.", "IN_THE_PAST"),
        ("5.3.", "PAST_CUT_OFF"),
        ("4.3.", "PAST_CUT_OFF"),
        ("11.3.", "NOT_ON_ROUTE"),
        ("30.4.", "NOT_ON_ROUTE"),
        ("19.3.", "ALREADY_PLANNED"),
    ],
)
async def test_a_refused_day_has_a_reason(scenario: OrdersScenario, on: str, code: str) -> None:
    answer = await scenario.harness.api(await scenario.member()).order_extra_pickup(extra_pickup(scenario.id("A1"), on))
    assert code_of(answer) == code
    assert isinstance(answer, Refusal)
    assert answer.problems[0].path == ["date"]
    assert await scenario.harness.emitted_events() == []


async def test_permissions_to_order(scenario: OrdersScenario) -> None:
    command = extra_pickup(scenario.id("A1"), "12.3.")

    async def ordered_by(caller: Caller) -> str:
        return code_of(await scenario.harness.api(caller).order_extra_pickup(command))

    assert await ordered_by(await scenario.member(Role.VIEWER)) == "FORBIDDEN"
    assert await ordered_by(await scenario.member(Role.EDITOR, sites=["51"])) == "NOT_FOUND"
    assert await ordered_by(await scenario.other_member()) == "NOT_FOUND"
    with pytest.raises(Forbidden):
        await ordered_by(await scenario.partner("orders:read", "orders:subscribe", "pickups:report"))
    assert await scenario.harness.emitted_events() == []
    for unknown in (write_id("agreement", new_uuid()), "nonsense"):
        answer = await scenario.harness.api(await scenario.member()).order_extra_pickup(extra_pickup(unknown, "12.3."))
        assert code_of(answer) == "NOT_FOUND"

    for caller, on in [
        (await scenario.member(Role.ADMIN), "12.3."),
        (await scenario.member(Role.EDITOR, sites=["50"]), "26.3."),
        (await scenario.staff(), "9.4."),
    ]:
        assert isinstance(
            await scenario.harness.api(caller).order_extra_pickup(extra_pickup(scenario.id("A1"), on)), Ordered
        )


async def test_fifty_equal_commands_at_once_are_one_order(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member(billing=True))
    command = extra_pickup(scenario.id("A1"), "12.3.", key="one")
    answers = await asyncio.gather(*(api.order_extra_pickup(command) for _ in range(50)))
    assert isinstance(answers[0], Ordered)
    assert all(answer == answers[0] for answer in answers)
    assert len(await scenario.harness.emitted_events(OrderPlaced)) == 1
    assert (await api.orders(Page())).total_count == 1


async def test_a_key_of_another_command_is_a_conflict(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    assert isinstance(await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "12.3.", key="k")), Ordered)
    assert (
        code_of(await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "26.3.", key="k")))
        == "IDEMPOTENCY_CONFLICT"
    )
    other = scenario.harness.api(await scenario.member())
    answer = await other.order_extra_pickup(extra_pickup(scenario.id("A1"), "26.3.", key="k"))
    assert isinstance(answer, Ordered), "another caller's key is another key"
    assert code_of(await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "26.3.", key=" " * 201))) == "MALFORMED"


async def test_a_refused_command_leaves_its_key_free(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    assert code_of(await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "19.3.", key="k"))) == "ALREADY_PLANNED"
    assert isinstance(await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "12.3.", key="k")), Ordered)


async def test_one_of_many_orders_for_one_day_is_accepted(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    answers = await asyncio.gather(
        *(api.order_extra_pickup(extra_pickup(scenario.id("A1"), "12.3.")) for _ in range(10))
    )
    assert sorted(code_of(one) if isinstance(one, Refusal) else "ordered" for one in answers) == [
        *["ALREADY_PLANNED"] * 9,
        "ordered",
    ]


async def test_the_first_answer_is_repeated_without_prices_after_the_permission_was_revoked(
    scenario: OrdersScenario,
) -> None:
    caller = await scenario.member(billing=True)
    command = extra_pickup(scenario.id("A1"), "12.3.")
    first = await scenario.harness.api(caller).order_extra_pickup(command)
    assert isinstance(first, Ordered)
    assert first.order.price is not None
    await restate(scenario, caller, Grant(organisation_id=scenario.organisation_id, role=Role.EDITOR), version=2)
    again = await scenario.harness.api(caller).order_extra_pickup(command)
    assert isinstance(again, Ordered)
    assert again.order.article is not None
    assert (again.order.id, again.order.price, again.order.article.price) == (first.order.id, None, None)
    in_finnish = msgspec.structs.replace(caller, language=Language.FI)
    in_english = msgspec.structs.replace(caller, language=Language.EN)
    articles = [(await order_again(scenario, one, command)).order.article for one in (in_finnish, in_english)]
    names = [article.name for article in articles if article]
    assert names == ["LOPPUJÄTEASTIAN 360 L TYHJENNYS", "Emptying"]
    await restate(scenario, caller, Grant(organisation_id=scenario.organisation_id, role=Role.VIEWER), version=3)
    assert code_of(await scenario.harness.api(caller).order_extra_pickup(command)) == "FORBIDDEN"


async def test_a_repetition_shows_the_order_as_it_is_now_and_to_those_who_see_it(scenario: OrdersScenario) -> None:
    caller = await scenario.member()
    command = extra_pickup(scenario.id("A1"), "12.3.")
    first = await order_again(scenario, caller, command)
    (kept,) = await scenario.harness.pool.fetch("SELECT result_type, result_ids FROM chassis.answers")
    assert tuple(kept) == ("Ordered", [first.order.id])
    await scenario.harness.pool.execute("UPDATE orders SET state = 'COMPLETED', version = version + 1")
    again = await order_again(scenario, caller, command)
    assert (again.order.id, again.order.state) == (first.order.id, OrderState.COMPLETED)
    # Out of the caller's reach, while the agreement is not.
    await scenario.harness.pool.execute("UPDATE orders SET organisation_id = $1", new_uuid())
    refused = await scenario.harness.api(caller).order_extra_pickup(command)
    assert refused == refuse("NOT_FOUND", "idempotencyKey")


async def order_again(scenario: OrdersScenario, caller: Caller, command: OrderExtraPickup) -> Ordered:
    """Order with success."""
    answer = await scenario.harness.api(caller).order_extra_pickup(command)
    assert isinstance(answer, Ordered), answer
    return answer


async def test_orders_are_listed_newest_first_and_filtered(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    numbers = []
    for number, on in [("A1", "12.3."), ("A2", "17.3."), ("A1", "26.3.")]:
        answer = await api.order_extra_pickup(extra_pickup(scenario.id(number), on))
        assert isinstance(answer, Ordered)
        numbers.append(answer.order.id)
        scenario.harness.clock.move(seconds=1)
    first = await api.orders(Page(first=2))
    assert [edge.node.id for edge in first.edges] == [numbers[2], numbers[1]]
    assert (first.total_count, first.page_info.has_next_page) == (3, True)
    second = await api.orders(Page(first=2, after=first.page_info.end_cursor))
    assert [edge.node.id for edge in second.edges] == [numbers[0]]

    async def found(**conditions: Any) -> list[int]:
        """Return the numbers of the orders that meet the conditions, in the order of placing."""
        earliest = OrderOrder(field=OrderOrderField.PLACED_AT)
        listed = await api.orders(Page(), OrderFilter(**conditions), earliest)
        assert listed.total_count == len(listed.edges)
        return [numbers.index(edge.node.id) for edge in listed.edges]

    assert await found() == [0, 1, 2]
    assert await found(site_ids=[scenario.sites["50"]]) == [0, 1, 2]
    assert await found(site_ids=[scenario.sites["51"]]) == []
    assert await found(site_ids=[scenario.sites["51"], "nonsense", scenario.sites["50"]]) == [0, 1, 2]
    assert await found(site_ids=["nonsense"]) == []
    assert await found(organisation_ids=[first.edges[0].node.organisation_id]) == [0, 1, 2]
    assert await found(agreement_ids=[scenario.id("A1")]) == [0, 2]
    assert await found(agreement_ids=[scenario.id("A2"), scenario.id("A1")], site_ids=[scenario.sites["50"]]) == [
        0,
        1,
        2,
    ]
    assert await found(states=[OrderState.SCHEDULED, OrderState.COMPLETED]) == [0, 1, 2]
    assert await found(states=[OrderState.COMPLETED]) == []
    assert await found(kinds=[OrderKind.EXTRA_PICKUP]) == [0, 1, 2]
    assert await found(number=first.edges[0].node.number) == [2]
    assert await found(number="ORD-1999-000001") == []
    assert await found(since=dt.date(2026, 3, 17)) == [1, 2]
    assert await found(since=dt.date(2026, 3, 13), until=dt.date(2026, 3, 17)) == [1]
    for caller in (await scenario.other_member(), await scenario.member(sites=["51"])):
        other = scenario.harness.api(caller)
        assert (await other.orders(Page())).edges == []
        assert await other.orders_by_id(numbers) == [None, None, None]
        assert await other.open_order_counts([scenario.sites["50"]]) == [0]


async def restate(scenario: OrdersScenario, caller: Caller, grant: Grant, version: int) -> None:
    """Receive a new version of a user's access."""
    stated = AccessStated(
        subject_id=caller.subject_id, kind=SubjectKind.USER, version=version, active=True, scopes=[], grants=[grant]
    )
    async with scenario.harness.pool.acquire() as connection:
        await copy.upsert_access(connection, stated)
