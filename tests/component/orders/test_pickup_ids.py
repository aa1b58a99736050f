"""A pickup is found by its id, whether it has a row or not, and whatever moved it."""

import uuid
from pathlib import Path

from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.orders.orders import Ordered
from services.contracts.orders.pickups import Calendar, Pickup, PickupState
from services.contracts.orders.reports import PickupReport, PickupsReported, ReportKind, ReportOutcome
from services.orders.app import ORDERS
from services.orders.domain.pickup_id import ordered_pickup_id, pickup_key, regular_pickup_id
from tests.component.orders.scenario import AGREEMENTS, OrdersScenario, day, extra_pickup, report, site_stated
from tests.support.owner import execute_as_owner

MIGRATION = Path(ORDERS.migrations) / "0004_pickup_ids.sql"


async def calendar_of(scenario: OrdersScenario, since: str, until: str, site: str = "50") -> list[Pickup]:
    (found,) = await scenario.harness.api(await scenario.member()).calendars(
        [scenario.sites[site]], day(since), day(until)
    )
    assert isinstance(found, Calendar)
    return found.pickups


async def by_id(scenario: OrdersScenario, *ids: str) -> list[Pickup | None]:
    return await scenario.harness.api(await scenario.member()).pickups_by_id(list(ids))


def regular_id(scenario: OrdersScenario, on: str, number: str = "A1") -> str:
    return write_id("pickup", regular_pickup_id(read_id("agreement", scenario.id(number)), day(on)))


async def reported(scenario: OrdersScenario, *reports: PickupReport, everywhere: bool = False) -> list[ReportOutcome]:
    partner = await scenario.partner("pickups:report", everywhere=everywhere)
    answer = await scenario.harness.api(partner).report_pickups(list(reports))
    assert isinstance(answer, PickupsReported)
    return answer.outcomes


def codes(outcomes: list[ReportOutcome]) -> list[tuple[str, list[str]] | None]:
    return [(one.refusal.problems[0].code, one.refusal.problems[0].path) if one.refusal else None for one in outcomes]


async def test_every_pickup_of_a_calendar_is_found_by_its_id(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    assert isinstance(await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "12.3.")), Ordered)
    scenario.harness.clock.move(days=1)
    await reported(scenario, report(agreement_id=scenario.id("A1"), date="5.3.", at="2026-03-05T07:00:00Z", grams=5))
    shown = await calendar_of(scenario, "1.1.", "31.12.")
    assert {one.state for one in shown} >= {PickupState.PLANNED, PickupState.EMPTIED}
    assert {one.order_id is None for one in shown} == {True, False}
    assert any(one.moved_by for one in shown)
    assert await by_id(scenario, *(one.id for one in shown[::-1])) == shown[::-1]


async def test_a_pickup_that_a_holiday_moves_later_keeps_its_id(scenario: OrdersScenario) -> None:
    (before,) = [one for one in await calendar_of(scenario, "19.3.", "19.3.") if one.agreement_id == scenario.id("A1")]
    moving = "country,date,name_fi,name_sv,name_nb,name_en,moves_to\nFI,2026-03-19,A,B,C,D,2026-03-20\n"
    await scenario.harness.import_file("holidays", moving)
    (found,) = await by_id(scenario, before.id)
    assert found is not None
    assert (found.id, found.date, found.original_date) == (before.id, day("20.3."), day("19.3."))


async def test_a_recorded_pickup_keeps_its_article_when_the_agreement_gets_another(scenario: OrdersScenario) -> None:
    scenario.harness.clock.move(days=1)
    await reported(scenario, report(agreement_id=scenario.id("A1"), date="5.3.", at="2026-03-05T07:00:00Z", grams=5))
    (before,) = [one for one in await calendar_of(scenario, "5.3.", "5.3.") if one.agreement_id == scenario.id("A1")]
    assert before.article is not None
    header = AGREEMENTS.partition("\n")[0]
    changed = f"{header}\nA1,50,C1,B240,TH1,RESIDUAL,360,1,2,2019-08-13,2026-01-08,\n"
    _, bad_rows = await scenario.harness.import_file("agreements", changed)
    assert bad_rows == []
    shown = {
        one.date: one.article.id
        for one in await calendar_of(scenario, "5.3.", "31.3.")
        if one.agreement_id == scenario.id("A1") and one.article
    }
    assert shown.pop(day("5.3.")) == before.article.id
    assert shown and before.article.id not in shown.values(), "planned ones have the new article"
    (found,) = await by_id(scenario, before.id)
    assert found == before


async def test_ids_of_no_pickup_and_of_others_pickups_are_not_found(scenario: OrdersScenario) -> None:
    unknown_order = write_id("pickup", ordered_pickup_id(new_uuid()))
    answer = await scenario.harness.api(await scenario.member()).order_extra_pickup(
        extra_pickup(scenario.id("A1"), "12.3.")
    )
    assert isinstance(answer, Ordered)
    second = write_id("pickup", ordered_pickup_id(read_id("order", answer.order.id), 2))
    of_no_rhythm, of_other, ended = (
        regular_id(scenario, "6.3."),
        regular_id(scenario, "12.3.", "A4"),
        regular_id(scenario, "2.4.", "A3"),
    )
    nowhere = write_id("pickup", regular_pickup_id(new_uuid(), day("5.3.")))
    ids = ["", "pickup_x", write_id("pickup", uuid.uuid4()), scenario.id("A1"), unknown_order, second]
    ids += [of_no_rhythm, of_other, ended, nowhere]
    assert await by_id(scenario, *ids) == [None] * len(ids)
    (theirs,) = await scenario.harness.api(await scenario.other_member()).pickups_by_id([of_other])
    assert theirs is not None


async def test_a_site_that_was_not_stated_yet_has_no_pickups(scenario: OrdersScenario) -> None:
    found = regular_id(scenario, "5.3.")
    await scenario.harness.pool.execute("UPDATE sites SET version = 0")
    assert await by_id(scenario, found) == [None]
    await scenario.harness.receive(site_stated(scenario.sites["50"], scenario.organisation_id, "50", version=2))
    assert await by_id(scenario, found) != [None]


async def test_the_pickups_of_orders(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    orders = []
    for on in ("12.3.", "26.3."):
        answer = await api.order_extra_pickup(extra_pickup(scenario.id("A1"), on))
        assert isinstance(answer, Ordered)
        orders.append(answer.order)
    first, second = orders
    none: list[Pickup]
    (one,), none, (other,) = await api.pickups_of_orders([second.id, "nonsense", first.id])
    assert ([one.order_id, one.date], none, [other.order_id, other.date]) == (
        [second.id, day("26.3.")],
        [],
        [first.id, day("12.3.")],
    )
    assert await by_id(scenario, one.id, other.id) == [one, other]
    others = scenario.harness.api(await scenario.other_member())
    assert await others.pickups_of_orders([first.id]) == [[]]
    await scenario.harness.pool.execute("UPDATE orders SET state = 'CANCELLED' WHERE date = '2026-03-12'")
    assert await api.pickups_of_orders([first.id]) == [[]]
    assert await by_id(scenario, other.id) == [None]
    (outcome,) = await reported(scenario, report(pickup_id=other.id))
    assert codes([outcome]) == [("NOT_PLANNED", ["reports", "0", "pickupId"])]


async def test_a_report_may_name_a_pickup_by_its_id(scenario: OrdersScenario) -> None:
    scenario.harness.clock.move(days=8)
    api = scenario.harness.api(await scenario.member())
    answer = await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "26.3."))
    assert isinstance(answer, Ordered)
    ((ordered,),) = await api.pickups_of_orders([answer.order.id])
    regular = regular_id(scenario, "5.3.")
    at = "2026-03-05T07:00:00+00:00"
    outcomes = await reported(
        scenario, report(ReportKind.ARRIVED, pickup_id=ordered.id, at=at), report(pickup_id=regular, at=at, grams=7)
    )
    assert codes(outcomes) == [None, None]
    found, done = await by_id(scenario, ordered.id, regular)
    assert found is not None
    assert done is not None
    assert (found.state, done.state, done.grams) == (PickupState.ARRIVED, PickupState.EMPTIED, 7)
    (corrected,) = await reported(scenario, report(pickup_id=regular, at="2026-03-05T08:00:00+00:00", grams=8))
    assert corrected.accepted
    (done,) = await by_id(scenario, regular)
    assert done is not None
    assert done.grams == 8


async def test_a_recorded_pickup_that_was_never_planned_is_found_and_reported(scenario: OrdersScenario) -> None:
    row = "pickup_number,agreement_number,date,outcome,grams\nP1,A1,2026-03-02,EMPTIED,5000\n"
    done, bad = await scenario.harness.import_file("pickups", row)
    assert (done.added, bad) == (1, [])
    pickup_id = regular_id(scenario, "2.3.")
    (outcome,) = await reported(scenario, report(pickup_id=pickup_id, grams=6000))
    assert outcome.accepted
    (found,) = await by_id(scenario, pickup_id)
    assert found is not None
    assert (found.date, found.grams) == (day("2.3."), 6000)


async def test_a_reports_pickup_id_is_checked(scenario: OrdersScenario) -> None:
    regular, foreign = regular_id(scenario, "5.3."), regular_id(scenario, "12.3.", "A4")
    both = report(pickup_id=regular, agreement_id=scenario.id("A1"), date="5.3.")
    second = write_id("pickup", ordered_pickup_id(new_uuid(), 2))
    outcomes = await reported(
        scenario,
        both,
        report(pickup_id=regular, order_id=write_id("order", new_uuid())),
        *(report(pickup_id=text) for text in ("nonsense", foreign, second, regular_id(scenario, "6.3."))),
        report(),
    )
    leave_out = [("MALFORMED", ["reports", "0", "agreementId"]), ("MALFORMED", ["reports", "1", "orderId"])]
    not_found = [("NOT_FOUND", ["reports", str(number), "pickupId"]) for number in range(2, 6)]
    assert codes(outcomes) == [*leave_out, *not_found, ("MALFORMED", ["reports", "6", "agreementId"])]


async def test_the_database_makes_the_keys_and_ids_that_the_domain_makes(scenario: OrdersScenario) -> None:
    """The migration gives the rows of an earlier build the ids that follow from their agreements and orders."""
    pool = scenario.harness.pool
    api = scenario.harness.api(await scenario.member())
    answer = await api.order_extra_pickup(extra_pickup(scenario.id("A1"), "12.3."))
    assert isinstance(answer, Ordered)
    scenario.harness.clock.move(days=9)
    at = "2026-03-12T07:00:00+00:00"
    await reported(
        scenario,
        report(order_id=answer.order.id, at=at, grams=1),
        report(agreement_id=scenario.id("A1"), date="5.3.", at=at, grams=2),
        report(agreement_id=scenario.id("A2"), date="6.3.", at=at, grams=3),
    )
    for table in ("agreements", "orders"):
        rows = await pool.fetch(f"SELECT id, pickup_key FROM {table}")
        assert rows
        assert [row["pickup_key"] for row in rows] == [pickup_key(row["id"]) for row in rows]

    for row in await pool.fetch("SELECT id FROM pickups"):
        earlier = uuid.uuid5(row["id"], "earlier")
        await pool.execute("UPDATE reports SET pickup_id = $2 WHERE pickup_id = $1", row["id"], earlier)
        await pool.execute("UPDATE pickups SET id = $2 WHERE id = $1", row["id"], earlier)
    await pool.execute("UPDATE pickups SET planned_on = '1969-12-31' WHERE grams = 2")
    await pool.execute("UPDATE pickups SET planned_on = '0001-01-01' WHERE grams = 3")
    _, statement, renaming = MIGRATION.read_text().partition("WITH parts")
    await execute_as_owner(pool, statement + renaming)
    rows = await pool.fetch("SELECT p.*, r.grams AS reported FROM pickups p JOIN reports r ON r.pickup_id = p.id")
    assert sorted(row["reported"] for row in rows) == sorted(row["grams"] for row in rows) == [1, 2, 3]
    assert [row["id"] for row in rows] == [
        ordered_pickup_id(row["order_id"])
        if row["order_id"]
        else regular_pickup_id(row["agreement_id"], row["planned_on"])
        for row in rows
    ]
