"""O12, O17: drivers' systems report pickups, in any order, more than once, without double effects."""

import itertools

import msgspec
import pytest

from services.chassis.ids import new_uuid, write_id
from services.chassis.problems import Forbidden
from services.contracts.identity import Role
from services.contracts.orders import (
    Calendar,
    Order,
    Ordered,
    OrderMoved,
    OrderState,
    Pickup,
    PickupRecorded,
    PickupReport,
    PickupsReported,
    PickupState,
    ReportKind,
    ReportOutcome,
)
from services.contracts.values import Refusal
from tests.component.orders.world import World, day, extra, report

DRIVEN = "2026-03-12T07:30:00+00:00"


async def ordered(world: World, on: str = "12.3.", number: str = "A1") -> Order:
    """An extra pickup is ordered; then the clock moves on to 12 March."""
    answer = await world.bench.offering(await world.member()).order_extra_pickup(extra(world.id(number), on))
    assert isinstance(answer, Ordered)
    world.bench.clock.move(days=8)
    return answer.order


async def reported(world: World, *reports: PickupReport) -> list[ReportOutcome]:
    """What becomes of reports by a new partner."""
    offering = world.bench.offering(await world.partner("pickups:report"))
    answer = await offering.report_pickups(list(reports))
    assert isinstance(answer, PickupsReported)
    return answer.outcomes


async def state_of(world: World, order: Order) -> OrderState:
    (found,) = await world.bench.offering(await world.staff()).orders_by_id([order.id])
    assert found is not None
    return found.state


async def pickup_on(world: World, on: str, number: str = "A1") -> Pickup:
    (calendar,) = await world.bench.offering(await world.member()).calendars([world.sites["50"]], day(on), day(on))
    assert isinstance(calendar, Calendar)
    (pickup,) = [one for one in calendar.pickups if one.agreement_id == world.id(number)]
    return pickup


def problem(outcome: ReportOutcome) -> tuple[str, list[str]]:
    assert not outcome.accepted
    assert outcome.refusal is not None
    (one,) = outcome.refusal.problems
    return one.code, one.path


async def test_an_emptied_pickup_completes_its_order(world: World) -> None:
    order = await ordered(world)
    planned = await pickup_on(world, "12.3.")
    partner = await world.partner("pickups:report")
    answer = await world.bench.offering(partner).report_pickups([report(at=DRIVEN, order_id=order.id, grams=38_500)])
    assert isinstance(answer, PickupsReported)
    assert [(one.accepted, one.repeated, one.refusal) for one in answer.outcomes] == [(True, False, None)]

    (found,) = await world.bench.offering(await world.member()).orders_by_id([order.id])
    assert found is not None
    assert (found.state, found.version) == (OrderState.COMPLETED, 4)
    assert (found.timeline[-1].by, found.timeline[-1].at) == (partner.subject_id, world.bench.clock.now())
    done = await pickup_on(world, "12.3.")
    assert (done.id, done.order_id, done.state, done.grams) == (planned.id, order.id, PickupState.EMPTIED, 38_500)
    *_, recorded, moved = await world.bench.announced()
    assert isinstance(recorded, PickupRecorded)
    assert (recorded.pickup_id, recorded.order_id, recorded.grams, recorded.version) == (done.id, order.id, 38_500, 1)
    assert isinstance(moved, OrderMoved)
    assert (moved.before, moved.state, moved.version) == (OrderState.SCHEDULED, OrderState.COMPLETED, 4)
    assert await world.bench.offering(await world.member()).open_order_counts([world.sites["50"]]) == [0]


async def test_a_truck_that_arrived_is_in_progress_and_a_failed_pickup_says_why(world: World) -> None:
    order = await ordered(world)
    await reported(world, report(ReportKind.ARRIVED, at=DRIVEN, order_id=order.id))
    assert await state_of(world, order) is OrderState.IN_PROGRESS
    assert (await pickup_on(world, "12.3.")).state is PickupState.ARRIVED
    await reported(world, report(ReportKind.FAILED, at=DRIVEN, order_id=order.id, reason="Portti kiinni"))
    (found,) = await world.bench.offering(await world.member()).orders_by_id([order.id])
    assert found is not None
    assert (found.state, found.timeline[-1].reason) == (OrderState.FAILED, "Portti kiinni")
    assert (await pickup_on(world, "12.3.")).failure == "Portti kiinni"
    await reported(world, report(at=DRIVEN.replace("07:30", "07:45"), order_id=order.id, grams=1))
    assert await state_of(world, order) is OrderState.COMPLETED, "a second run made it good"
    assert [event.version for event in await world.bench.announced(PickupRecorded)] == [1, 2, 3]
    events = await world.bench.announced()
    assert "Portti" not in msgspec.json.encode(events).decode(), "a reason is a free text and stays here"


async def test_reports_come_to_the_same_in_any_order_and_however_often(world: World) -> None:
    on = ["12.3.", "26.3.", "9.4.", "23.4."]
    orders = []
    offering = world.bench.offering(await world.member())
    for one in on:
        answer = await offering.order_extra_pickup(extra(world.id("A1"), one))
        assert isinstance(answer, Ordered)
        orders.append(answer.order)
    world.bench.clock.move(days=60)
    partner = world.bench.offering(await world.partner("pickups:report"))
    for order, arrangement in zip(orders, itertools.permutations(range(3)), strict=False):
        said = [
            report(ReportKind.ARRIVED, at="2026-04-25T07:00:00+00:00", order_id=order.id),
            report(ReportKind.FAILED, at="2026-04-25T07:10:00+00:00", order_id=order.id),
            report(ReportKind.EMPTIED, at="2026-04-25T07:20:00+00:00", order_id=order.id, grams=500),
        ]
        for index in (*arrangement, *arrangement):
            await partner.report_pickups([said[index]])
        assert await state_of(world, order) is OrderState.COMPLETED
        pickup = await pickup_on(world, f"{order.date.day}.{order.date.month}.")
        assert (pickup.state, pickup.grams, pickup.failure) == (PickupState.EMPTIED, 500, None)
    everything = await world.bench.announced()
    again = await partner.report_pickups(said)
    assert isinstance(again, PickupsReported)
    assert [(one.accepted, one.repeated) for one in again.outcomes] == [(True, True)] * 3
    assert await world.bench.announced() == everything


async def test_an_order_follows_the_last_word_about_its_pickup(world: World) -> None:
    order = await ordered(world)
    said = [ReportKind.ARRIVED, ReportKind.FAILED, ReportKind.EMPTIED, ReportKind.FAILED, ReportKind.FAILED]
    told = []
    for minute, kind in enumerate(said):
        reason = f"{minute}" if kind is ReportKind.FAILED else None
        await reported(world, report(kind, at=f"2026-03-12T07:0{minute}:00+00:00", order_id=order.id, reason=reason))
        (found,) = await world.bench.offering(await world.staff()).orders_by_id([order.id])
        assert found is not None
        told.append((found.state.value, found.timeline[-1].reason))
        pickup = await pickup_on(world, "12.3.")
        assert pickup.failure == found.timeline[-1].reason
    assert told == [("IN_PROGRESS", None), ("FAILED", "1"), ("COMPLETED", None), ("FAILED", "3"), ("FAILED", "4")]
    moves = [(event.before.value, event.state.value) for event in await world.bench.announced(OrderMoved)]
    assert moves[-3:] == [("FAILED", "COMPLETED"), ("COMPLETED", "FAILED"), ("FAILED", "FAILED")]


async def test_what_is_named_beside_an_order_is_its_own(world: World) -> None:
    order = await ordered(world)
    outcomes = await reported(
        world,
        report(at=DRIVEN, order_id=order.id, agreement_id=world.id("A2")),
        report(at=DRIVEN, order_id=order.id, agreement_id=world.id("A4")),
        report(at=DRIVEN, order_id=order.id, agreement_id="nonsense"),
        report(at=DRIVEN, order_id=order.id, agreement_id=write_id("agreement", new_uuid()), date="12.3."),
        report(at=DRIVEN, order_id=order.id, date="13.3."),
        report(at=DRIVEN, order_id=order.id, agreement_id=world.id("A1"), date="19.3."),
    )
    assert [problem(one) for one in outcomes] == [
        *(("NOT_OF_ORDER", ["reports", str(number), "agreementId"]) for number in range(4)),
        *(("NOT_OF_ORDER", ["reports", str(number), "date"]) for number in (4, 5)),
    ]
    assert await state_of(world, order) is OrderState.SCHEDULED
    (outcome,) = await reported(world, report(at=DRIVEN, order_id=order.id, agreement_id=world.id("A1"), date="12.3."))
    assert outcome.accepted


async def test_a_regular_pickup_is_named_by_agreement_and_day(world: World) -> None:
    world.bench.clock.move(days=1)
    planned = await pickup_on(world, "5.3.")
    (outcome,) = await reported(
        world, report(at="2026-03-05T07:00:00+00:00", agreement_id=world.id("A1"), date="5.3.", grams=12)
    )
    assert outcome.accepted
    done = await pickup_on(world, "5.3.")
    assert (done.id, done.grams, done.order_id) == (planned.id, 12, None)
    (event,) = await world.bench.announced()
    assert (event.pickup_id, event.site_id, event.order_id) == (done.id, world.sites["50"], None)


async def test_a_moved_pickup_is_named_by_either_day(world: World) -> None:
    world.bench.clock.move(days=75)
    one, other = await reported(
        world,
        report(ReportKind.ARRIVED, agreement_id=world.id("A1"), date="15.5.", at="2026-05-15T07:00:00+00:00"),
        report(agreement_id=world.id("A1"), date="14.5.", at="2026-05-15T07:10:00+00:00", grams=9),
    )
    assert (one.accepted, other.accepted) == (True, True)
    done = await pickup_on(world, "15.5.")
    assert (done.state, done.original_date, done.grams) == (PickupState.EMPTIED, day("14.5."), 9)
    assert len(await world.bench.announced(PickupRecorded)) == 1


async def test_an_order_is_found_by_agreement_and_day_as_well(world: World) -> None:
    order = await ordered(world)
    (outcome,) = await reported(world, report(at=DRIVEN, agreement_id=world.id("A1"), date="12.3."))
    assert outcome.accepted
    assert await state_of(world, order) is OrderState.COMPLETED


async def test_one_bad_report_keeps_no_other_back(world: World) -> None:
    order = await ordered(world)
    outcomes = await reported(
        world,
        report(order_id=write_id("order", new_uuid())),
        report(order_id="nonsense"),
        report(agreement_id=write_id("agreement", new_uuid()), date="5.3."),
        report(agreement_id="nonsense", date="5.3."),
        report(agreement_id=world.id("A1"), date="6.3."),
        report(agreement_id=world.id("A4"), date="12.3."),
        report(at=DRIVEN, order_id=order.id),
    )
    assert [problem(one) for one in outcomes[:-1]] == [
        ("NOT_FOUND", ["reports", "0", "orderId"]),
        ("NOT_FOUND", ["reports", "1", "orderId"]),
        ("NOT_FOUND", ["reports", "2", "agreementId"]),
        ("NOT_FOUND", ["reports", "3", "agreementId"]),
        ("NOT_PLANNED", ["reports", "4", "date"]),
        ("NOT_FOUND", ["reports", "5", "agreementId"]),
    ]
    assert outcomes[-1].accepted


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"report_id": ""}, "reportId", "REQUIRED"),
        ({"report_id": "x" * 201}, "reportId", "TOO_LONG"),
        ({"report_id": "r\0"}, "reportId", "CHARACTERS"),
        ({"reason": "ice\uffff"}, "reason", "CHARACTERS"),
        ({"agreement_id": None}, "agreementId", "REQUIRED"),
        ({"date": None}, "date", "REQUIRED"),
        ({"at": "2026-03-04T09:00:01+00:00"}, "at", "RANGE"),
        ({"at": "2026-03-04T07:00:00"}, "at", "RANGE"),
        ({"at": "0001-01-01T00:00:00+02:00"}, "at", "RANGE"),
        ({"grams": -1}, "grams", "RANGE"),
        ({"grams": 60_000_001}, "grams", "RANGE"),
        ({"grams": 1, "kind": ReportKind.ARRIVED}, "grams", "LEAVE_OUT"),
        ({"reason": "x"}, "reason", "LEAVE_OUT"),
        ({"reason": " ", "kind": ReportKind.FAILED}, "reason", "REQUIRED"),
        ({"reason": "x" * 501, "kind": ReportKind.FAILED}, "reason", "TOO_LONG"),
    ],
)
async def test_a_malformed_report_names_its_field(
    world: World, fields: dict[str, object], field: str, reason: str
) -> None:
    good: dict[str, object] = {"kind": ReportKind.EMPTIED, "agreement_id": world.id("A1"), "date": "19.3."}
    arguments = good | fields
    kind = arguments.pop("kind")
    report_id = arguments.pop("report_id", None)
    assert isinstance(kind, ReportKind)
    made = report(kind, **arguments)  # type: ignore[arg-type]
    made = msgspec.structs.replace(made, report_id=made.report_id if report_id is None else report_id)
    (outcome,) = await reported(world, made)
    assert problem(outcome) == ("MALFORMED", ["reports", "0", field])
    assert outcome.refusal is not None
    assert outcome.refusal.problems[0].params["reason"] == reason


async def test_a_failed_pickup_needs_a_reason(world: World) -> None:
    made = report(ReportKind.FAILED, agreement_id=world.id("A1"), date="19.3.")
    (outcome,) = await reported(world, msgspec.structs.replace(made, reason=None))
    assert problem(outcome) == ("MALFORMED", ["reports", "0", "reason"])


async def test_a_report_id_means_one_thing_per_partner(world: World) -> None:
    partner = world.bench.offering(await world.partner("pickups:report"))
    first = report(agreement_id=world.id("A1"), date="19.3.", report_id="r1", grams=5)
    elsewhere = msgspec.structs.replace(first, at=first.at.astimezone(world.bench.clock.zone))
    changed = msgspec.structs.replace(first, grams=6)
    answer = await partner.report_pickups([first, first, elsewhere, changed])
    assert isinstance(answer, PickupsReported)
    assert [(one.accepted, one.repeated) for one in answer.outcomes] == [
        (True, False),
        (True, True),
        (True, True),
        (False, False),
    ]
    assert problem(answer.outcomes[3]) == ("IDEMPOTENCY_CONFLICT", ["reports", "3", "reportId"])
    (outcome,) = await reported(world, changed)
    assert (outcome.accepted, outcome.repeated) == (True, False), "another partner's ids are its own"


async def test_five_hundred_reports_are_taken_at_once_and_no_more(world: World) -> None:
    partner = world.bench.offering(await world.partner("pickups:report"))
    many = [report(agreement_id=world.id("A1"), date="19.3.", grams=n) for n in range(501)]
    refused = await partner.report_pickups(many)
    assert isinstance(refused, Refusal)
    assert (refused.problems[0].code, refused.problems[0].path) == ("TOO_MANY", ["reports"])
    taken = await partner.report_pickups(many[:500])
    assert isinstance(taken, PickupsReported)
    assert all(one.accepted for one in taken.outcomes)
    assert len(await world.bench.announced(PickupRecorded)) == 1
    assert await partner.report_pickups([]) == PickupsReported(outcomes=[])


async def test_who_may_report(world: World) -> None:
    one = report(agreement_id=world.id("A1"), date="19.3.")
    for caller in (
        await world.member(Role.ADMIN),
        await world.partner("orders:read", "orders:subscribe"),
    ):
        with pytest.raises(Forbidden):
            await world.bench.offering(caller).report_pickups([one])
    nowhere = world.bench.offering(await world.partner("pickups:report", nowhere=True))
    answer = await nowhere.report_pickups([one])
    assert isinstance(answer, PickupsReported)
    assert problem(answer.outcomes[0])[0] == "NOT_FOUND"
    for caller in (await world.staff(), await world.partner("pickups:report", everywhere=True)):
        answer = await world.bench.offering(caller).report_pickups([one])
        assert isinstance(answer, PickupsReported)
        assert answer.outcomes[0].accepted


async def test_a_withdrawn_order_is_not_reported(world: World) -> None:
    order = await ordered(world)
    await world.bench.pool.execute("UPDATE orders SET state = 'CANCELLED'")
    by_order, by_day = await reported(
        world, report(at=DRIVEN, order_id=order.id), report(at=DRIVEN, agreement_id=world.id("A1"), date="12.3.")
    )
    assert problem(by_order) == ("NOT_PLANNED", ["reports", "0", "orderId"])
    assert problem(by_day) == ("NOT_PLANNED", ["reports", "1", "date"])
