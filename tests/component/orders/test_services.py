"""Orders, pickups and sites as support asks for them: for the messages and tickets that are about them."""

from services.access.caller import Caller
from services.chassis.ids import new_uuid, write_id
from services.contracts.orders.operations import Orders
from services.contracts.orders.orders import Ordered, OrderState
from services.contracts.orders.pickups import Calendar, PickupState
from services.contracts.permission import SubjectKind
from services.contracts.sites import Fraction
from tests.component.orders.scenario import OrdersScenario, day, extra_pickup

SUPPORT = Caller(subject_id="service:support", kind=SubjectKind.SERVICE, service="support")


async def an_order(scenario: OrdersScenario) -> Ordered:
    ordered = await scenario.harness.api(await scenario.member()).order_extra_pickup(
        extra_pickup(scenario.id("A1"), "12.3.")
    )
    assert isinstance(ordered, Ordered)
    return ordered


async def regular_pickup(scenario: OrdersScenario) -> str:
    (found,) = await scenario.harness.api(await scenario.member()).calendars(
        [scenario.sites["50"]], day("5.3."), day("5.3.")
    )
    assert isinstance(found, Calendar)
    return found.pickups[0].id


def as_support(scenario: OrdersScenario) -> Orders:
    return scenario.harness.api(SUPPORT)


async def test_an_order_as_messages_tell_of_it(scenario: OrdersScenario) -> None:
    order = (await an_order(scenario)).order
    unknown, found = await as_support(scenario).order_summaries([write_id("order", new_uuid()), order.id])
    assert unknown is None and found is not None
    assert (found.id, found.number, found.state) == (order.id, order.number, OrderState.SCHEDULED)
    assert (found.fraction, found.date) == (Fraction.RESIDUAL, day("12.3."))


async def test_a_pickup_as_messages_tell_of_it(scenario: OrdersScenario) -> None:
    pickup = await regular_pickup(scenario)
    found, malformed = await as_support(scenario).pickup_summaries([pickup, "pickup_x"])
    assert malformed is None and found is not None
    assert (found.id, found.state, found.failure) == (pickup, PickupState.PLANNED, None)
    assert (found.fraction, found.date, found.planned_on) == (Fraction.RESIDUAL, day("5.3."), day("5.3."))


async def test_the_sites_of_things(scenario: OrdersScenario) -> None:
    order = (await an_order(scenario)).order
    site, other = scenario.sites["50"], scenario.sites["60"]
    asked = {
        scenario.id("A1"): site,
        scenario.id("A4"): other,
        order.id: site,
        await regular_pickup(scenario): site,
        write_id("agreement", new_uuid()): None,
        write_id("pickup", new_uuid()): None,
        site: None,
        "order_x": None,
        "": None,
    }
    assert await as_support(scenario).sites_of_things(list(asked)) == list(asked.values())
    assert await as_support(scenario).sites_of_things([]) == []
