"""O12, O17: drivers' systems report pickups in any order, repeatedly and without a second effect."""

import itertools

import msgspec
import pytest

from services.chassis.ids import new_uuid, write_id
from services.chassis.problems import Forbidden
from services.contracts.orders.events import OrderMoved, PickupRecorded
from services.contracts.orders.orders import Order, Ordered, OrderState
from services.contracts.orders.pickups import Calendar, Pickup, PickupState
from services.contracts.orders.reports import PickupReport, PickupsReported, ReportKind, ReportOutcome
from services.contracts.permission import Role
from services.contracts.values import Refusal
from tests.component.orders.scenario import OrdersScenario, day, extra_pickup, report

DRIVEN = "2026-03-12T07:30:00+00:00"
PICKUP_HEADER = "pickup_number,agreement_number,date,outcome,grams\n"


async def ordered(scenario: OrdersScenario, on: str = "12.3.", number: str = "A1") -> Order:
    """Order an extra pickup, and move the clock to 12 March."""
    answer = await scenario.harness.api(await scenario.member()).order_extra_pickup(
        extra_pickup(scenario.id(number), on)
    )
    assert isinstance(answer, Ordered)
    scenario.harness.clock.move(days=8)
    return answer.order


async def reported(scenario: OrdersScenario, *reports: PickupReport) -> list[ReportOutcome]:
    """Return the outcomes of reports by a new partner."""
    api = scenario.harness.api(await scenario.partner("pickups:report"))
    answer = await api.report_pickups(list(reports))
    assert isinstance(answer, PickupsReported)
    return answer.outcomes


async def state_of(scenario: OrdersScenario, order: Order) -> OrderState:
    (found,) = await scenario.harness.api(await scenario.staff()).orders_by_id([order.id])
    assert found is not None
    return found.state


async def pickup_on(scenario: OrdersScenario, on: str, number: str = "A1") -> Pickup:
    (calendar,) = await scenario.harness.api(await scenario.member()).calendars(
        [scenario.sites["50"]], day(on), day(on)
    )
    assert isinstance(calendar, Calendar)
    (pickup,) = [one for one in calendar.pickups if one.agreement_id == scenario.id(number)]
    return pickup


def problem(outcome: ReportOutcome) -> tuple[str, list[str]]:
    assert not outcome.accepted
    assert outcome.refusal is not None
    (one,) = outcome.refusal.problems
    return one.code, one.path


async def test_an_emptied_pickup_completes_its_order(scenario: OrdersScenario) -> None:
    order = await ordered(scenario)
    planned = await pickup_on(scenario, "12.3.")
    partner = await scenario.partner("pickups:report")
    answer = await scenario.harness.api(partner).report_pickups([report(at=DRIVEN, order_id=order.id, grams=38_500)])
    assert isinstance(answer, PickupsReported)
    assert [(one.accepted, one.repeated, one.refusal) for one in answer.outcomes] == [(True, False, None)]

    (found,) = await scenario.harness.api(await scenario.member()).orders_by_id([order.id])
    assert found is not None
    assert (found.state, found.version) == (OrderState.COMPLETED, 4)
    assert (found.timeline[-1].by, found.timeline[-1].at) == (partner.subject_id, scenario.harness.clock.now())
    done = await pickup_on(scenario, "12.3.")
    assert (done.id, done.order_id, done.state, done.grams) == (planned.id, order.id, PickupState.EMPTIED, 38_500)
    *_, recorded, moved = await scenario.harness.emitted_events()
    assert isinstance(recorded, PickupRecorded)
    assert (recorded.pickup_id, recorded.order_id, recorded.grams, recorded.version) == (done.id, order.id, 38_500, 1)
    assert isinstance(moved, OrderMoved)
    assert (moved.before, moved.state, moved.version) == (OrderState.SCHEDULED, OrderState.COMPLETED, 4)
    assert await scenario.harness.api(await scenario.member()).open_order_counts([scenario.sites["50"]]) == [0]


async def test_an_imported_pickup_completes_its_order_as_a_report_does(scenario: OrdersScenario) -> None:
    order = await ordered(scenario)
    row = "P1,A1,2026-03-12,EMPTIED,38500\n"
    for times in (1, 0):  # a repetition has no effect
        done, _ = await scenario.harness.import_file("pickups", f"{PICKUP_HEADER}{row}")
        assert done.added == times
    assert await state_of(scenario, order) is OrderState.COMPLETED
    *_, scheduled, recorded, moved = await scenario.harness.emitted_events()
    assert isinstance(scheduled, OrderMoved)
    assert isinstance(recorded, PickupRecorded)
    assert (recorded.order_id, recorded.grams) == (order.id, 38_500)
    assert isinstance(moved, OrderMoved)
    assert (moved.before, moved.state) == (OrderState.SCHEDULED, OrderState.COMPLETED)


async def test_an_arrival_is_in_progress_and_a_failed_pickup_has_a_reason(scenario: OrdersScenario) -> None:
    order = await ordered(scenario)
    await reported(scenario, report(ReportKind.ARRIVED, at=DRIVEN, order_id=order.id))
    assert await state_of(scenario, order) is OrderState.IN_PROGRESS
    assert (await pickup_on(scenario, "12.3.")).state is PickupState.ARRIVED
    await reported(scenario, report(ReportKind.FAILED, at=DRIVEN, order_id=order.id, reason="Portti kiinni"))
    (found,) = await scenario.harness.api(await scenario.member()).orders_by_id([order.id])
    assert found is not None
    assert (found.state, found.timeline[-1].reason) == (OrderState.FAILED, "Portti kiinni")
    assert (await pickup_on(scenario, "12.3.")).failure == "Portti kiinni"
    await reported(scenario, report(at=DRIVEN.replace("07:30", "07:45"), order_id=order.id, grams=1))
    assert await state_of(scenario, order) is OrderState.COMPLETED, "a second run completes it"
    assert [event.version for event in await scenario.harness.emitted_events(PickupRecorded)] == [1, 2, 3]
    events = await scenario.harness.emitted_events()
    assert "Portti" not in msgspec.json.encode(events).decode(), "a reason is free text and is not announced"


async def test_reports_have_one_outcome_in_any_order_with_repeats(scenario: OrdersScenario) -> None:
    on = ["12.3.", "26.3.", "9.4.", "23.4."]
    orders = []
    api = scenario.harness.api(await scenario.member())
    for one in on:
        answer = await api.order_extra_pickup(extra_pickup(scenario.id("A1"), one))
        assert isinstance(answer, Ordered)
        orders.append(answer.order)
    scenario.harness.clock.move(days=60)
    partner = scenario.harness.api(await scenario.partner("pickups:report"))
    for order, arrangement in zip(orders, itertools.permutations(range(3)), strict=False):
        reports = [
            report(ReportKind.ARRIVED, at="2026-04-25T07:00:00+00:00", order_id=order.id),
            report(ReportKind.FAILED, at="2026-04-25T07:10:00+00:00", order_id=order.id),
            report(ReportKind.EMPTIED, at="2026-04-25T07:20:00+00:00", order_id=order.id, grams=500),
        ]
        for index in (*arrangement, *arrangement):
            await partner.report_pickups([reports[index]])
        assert await state_of(scenario, order) is OrderState.COMPLETED
        assert order.date is not None
        pickup = await pickup_on(scenario, f"{order.date.day}.{order.date.month}.")
        assert (pickup.state, pickup.grams, pickup.failure) == (PickupState.EMPTIED, 500, None)
    everything = await scenario.harness.emitted_events()
    again = await partner.report_pickups(reports)
    assert isinstance(again, PickupsReported)
    assert [(one.accepted, one.repeated) for one in again.outcomes] == [(True, True)] * 3
    assert await scenario.harness.emitted_events() == everything


async def test_an_order_follows_the_last_outcome_of_its_pickup(scenario: OrdersScenario) -> None:
    order = await ordered(scenario)
    kinds = [ReportKind.ARRIVED, ReportKind.FAILED, ReportKind.EMPTIED, ReportKind.FAILED, ReportKind.FAILED]
    states = []
    for minute, kind in enumerate(kinds):
        reason = f"{minute}" if kind is ReportKind.FAILED else None
        await reported(scenario, report(kind, at=f"2026-03-12T07:0{minute}:00+00:00", order_id=order.id, reason=reason))
        (found,) = await scenario.harness.api(await scenario.staff()).orders_by_id([order.id])
        assert found is not None
        states.append((found.state.value, found.timeline[-1].reason))
        pickup = await pickup_on(scenario, "12.3.")
        assert pickup.failure == found.timeline[-1].reason
    assert states == [("IN_PROGRESS", None), ("FAILED", "1"), ("COMPLETED", None), ("FAILED", "3"), ("FAILED", "4")]
    moves = [(event.before.value, event.state.value) for event in await scenario.harness.emitted_events(OrderMoved)]
    assert moves[-3:] == [("FAILED", "COMPLETED"), ("COMPLETED", "FAILED"), ("FAILED", "FAILED")]


async def test_an_agreement_or_day_named_with_an_order_must_be_its_own(scenario: OrdersScenario) -> None:
    order = await ordered(scenario)
    outcomes = await reported(
        scenario,
        report(at=DRIVEN, order_id=order.id, agreement_id=scenario.id("A2")),
        report(at=DRIVEN, order_id=order.id, agreement_id=scenario.id("A4")),
        report(at=DRIVEN, order_id=order.id, agreement_id="nonsense"),
        report(at=DRIVEN, order_id=order.id, agreement_id=write_id("agreement", new_uuid()), date="12.3."),
        report(at=DRIVEN, order_id=order.id, date="13.3."),
        report(at=DRIVEN, order_id=order.id, agreement_id=scenario.id("A1"), date="19.3."),
    )
    assert [problem(one) for one in outcomes] == [
        *(("NOT_OF_ORDER", ["reports", str(number), "agreementId"]) for number in range(4)),
        *(("NOT_OF_ORDER", ["reports", str(number), "date"]) for number in (4, 5)),
    ]
    assert await state_of(scenario, order) is OrderState.SCHEDULED
    (outcome,) = await reported(
        scenario, report(at=DRIVEN, order_id=order.id, agreement_id=scenario.id("A1"), date="12.3.")
    )
    assert outcome.accepted


async def test_a_regular_pickup_is_named_by_agreement_and_day(scenario: OrdersScenario) -> None:
    scenario.harness.clock.move(days=1)
    planned = await pickup_on(scenario, "5.3.")
    (outcome,) = await reported(
        scenario, report(at="2026-03-05T07:00:00+00:00", agreement_id=scenario.id("A1"), date="5.3.", grams=12)
    )
    assert outcome.accepted
    done = await pickup_on(scenario, "5.3.")
    assert (done.id, done.grams, done.order_id) == (planned.id, 12, None)
    (event,) = await scenario.harness.emitted_events()
    assert (event.pickup_id, event.site_id, event.order_id) == (done.id, scenario.sites["50"], None)


async def test_a_moved_pickup_is_named_by_either_day(scenario: OrdersScenario) -> None:
    scenario.harness.clock.move(days=75)
    one, other = await reported(
        scenario,
        report(ReportKind.ARRIVED, agreement_id=scenario.id("A1"), date="15.5.", at="2026-05-15T07:00:00+00:00"),
        report(agreement_id=scenario.id("A1"), date="14.5.", at="2026-05-15T07:10:00+00:00", grams=9),
    )
    assert (one.accepted, other.accepted) == (True, True)
    done = await pickup_on(scenario, "15.5.")
    assert (done.state, done.original_date, done.grams) == (PickupState.EMPTIED, day("14.5."), 9)
    assert len(await scenario.harness.emitted_events(PickupRecorded)) == 1


async def test_a_day_on_which_two_pickups_come_names_none_of_them(scenario: OrdersScenario) -> None:
    """The regular pickup was moved to the day of the ordered one after that was ordered."""
    order = await ordered(scenario)
    moving = "country,date,name_fi,name_sv,name_nb,name_en,moves_to\nFI,2026-03-05,A,B,C,D,2026-03-12\n"
    await scenario.harness.import_file("holidays", moving)
    agreement_id = scenario.id("A1")
    (refused,) = await reported(scenario, report(at=DRIVEN, agreement_id=agreement_id, date="12.3."))
    assert problem(refused) == ("SEVERAL_PLANNED", ["reports", "0", "date"])
    regular, extra = await reported(
        scenario,
        report(at=DRIVEN, agreement_id=agreement_id, date="5.3."),
        report(at=DRIVEN, order_id=order.id, agreement_id=agreement_id, date="12.3."),
    )
    assert (regular.accepted, extra.accepted) == (True, True)
    assert await state_of(scenario, order) is OrderState.COMPLETED


async def test_an_order_is_found_by_agreement_and_day_as_well(scenario: OrdersScenario) -> None:
    order = await ordered(scenario)
    (outcome,) = await reported(scenario, report(at=DRIVEN, agreement_id=scenario.id("A1"), date="12.3."))
    assert outcome.accepted
    assert await state_of(scenario, order) is OrderState.COMPLETED


async def test_one_bad_report_does_not_affect_the_others(scenario: OrdersScenario) -> None:
    order = await ordered(scenario)
    outcomes = await reported(
        scenario,
        report(order_id=write_id("order", new_uuid())),
        report(order_id="nonsense"),
        report(agreement_id=write_id("agreement", new_uuid()), date="5.3."),
        report(agreement_id="nonsense", date="5.3."),
        report(agreement_id=scenario.id("A1"), date="6.3."),
        report(agreement_id=scenario.id("A4"), date="12.3."),
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
    scenario: OrdersScenario, fields: dict[str, object], field: str, reason: str
) -> None:
    good: dict[str, object] = {"kind": ReportKind.EMPTIED, "agreement_id": scenario.id("A1"), "date": "19.3."}
    arguments = good | fields
    kind = arguments.pop("kind")
    report_id = arguments.pop("report_id", None)
    assert isinstance(kind, ReportKind)
    sent = report(kind, **arguments)  # type: ignore[arg-type]
    sent = msgspec.structs.replace(sent, report_id=sent.report_id if report_id is None else report_id)
    (outcome,) = await reported(scenario, sent)
    assert problem(outcome) == ("MALFORMED", ["reports", "0", field])
    assert outcome.refusal is not None
    assert outcome.refusal.problems[0].params["reason"] == reason


async def test_a_failed_pickup_needs_a_reason(scenario: OrdersScenario) -> None:
    sent = report(ReportKind.FAILED, agreement_id=scenario.id("A1"), date="19.3.")
    (outcome,) = await reported(scenario, msgspec.structs.replace(sent, reason=None))
    assert problem(outcome) == ("MALFORMED", ["reports", "0", "reason"])


async def test_a_report_id_is_unique_for_its_partner(scenario: OrdersScenario) -> None:
    partner = scenario.harness.api(await scenario.partner("pickups:report"))
    first = report(agreement_id=scenario.id("A1"), date="19.3.", report_id="r1", grams=5)
    elsewhere = msgspec.structs.replace(first, at=first.at.astimezone(scenario.harness.clock.zone))
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
    (outcome,) = await reported(scenario, changed)
    assert (outcome.accepted, outcome.repeated) == (True, False), "another partner's ids are its own"


async def test_five_hundred_reports_at_once_are_the_most(scenario: OrdersScenario) -> None:
    partner = scenario.harness.api(await scenario.partner("pickups:report"))
    many = [report(agreement_id=scenario.id("A1"), date="19.3.", grams=n) for n in range(501)]
    refused = await partner.report_pickups(many)
    assert isinstance(refused, Refusal)
    assert (refused.problems[0].code, refused.problems[0].path) == ("TOO_MANY", ["reports"])
    taken = await partner.report_pickups(many[:500])
    assert isinstance(taken, PickupsReported)
    assert all(one.accepted for one in taken.outcomes)
    assert len(await scenario.harness.emitted_events(PickupRecorded)) == 1
    assert await partner.report_pickups([]) == PickupsReported(outcomes=[])


async def test_permissions_to_report(scenario: OrdersScenario) -> None:
    one = report(agreement_id=scenario.id("A1"), date="19.3.")
    for caller in (
        await scenario.member(Role.ADMIN),
        await scenario.partner("orders:read", "orders:subscribe"),
    ):
        with pytest.raises(Forbidden):
            await scenario.harness.api(caller).report_pickups([one])
    nowhere = scenario.harness.api(await scenario.partner("pickups:report", nowhere=True))
    answer = await nowhere.report_pickups([one])
    assert isinstance(answer, PickupsReported)
    assert problem(answer.outcomes[0])[0] == "NOT_FOUND"
    for caller in (await scenario.staff(), await scenario.partner("pickups:report", everywhere=True)):
        answer = await scenario.harness.api(caller).report_pickups([one])
        assert isinstance(answer, PickupsReported)
        assert answer.outcomes[0].accepted


async def test_a_withdrawn_order_is_not_reported(scenario: OrdersScenario) -> None:
    order = await ordered(scenario)
    await scenario.harness.pool.execute("UPDATE orders SET state = 'CANCELLED'")
    by_order, by_day = await reported(
        scenario, report(at=DRIVEN, order_id=order.id), report(at=DRIVEN, agreement_id=scenario.id("A1"), date="12.3.")
    )
    assert problem(by_order) == ("NOT_PLANNED", ["reports", "0", "orderId"])
    assert problem(by_day) == ("NOT_PLANNED", ["reports", "1", "date"])
