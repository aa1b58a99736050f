"""O16: a changed holiday tells the agreements whose pickups it moves."""

import asyncio

import msgspec
import pytest

from services.chassis.ids import read_id
from services.chassis.jobs.fan_out import FanOutRunner, RunFanOut
from services.chassis.jobs.job import JobRun
from services.contracts.orders.events import PickupMoved
from services.orders.app import ORDERS
from tests.component.orders.scenario import HOLIDAYS, OrdersScenario

HEADER = HOLIDAYS.split("\n", maxsplit=1)[0]
ASCENSION = "FI,{date},Helatorstai,Kristi himmelsfärdsdag,Kristi himmelfartsdag,Ascension Day,{moves_to}\n"


async def import_holiday(scenario: OrdersScenario, row: str) -> list[PickupMoved]:
    """Import a holiday, run its fan-outs, and return the events of moved pickups."""
    await scenario.harness.pool.execute("DELETE FROM chassis.outbox; DELETE FROM chassis.pgqueuer")
    done, bad = await scenario.harness.import_file("holidays", f"{HEADER}\n{row}")
    assert (done.failed, bad) == (0, [])
    runner = FanOutRunner(scenario.harness.pool, scenario.harness.work, ORDERS.fan_outs)
    jobs = await scenario.harness.pool.fetch(
        "SELECT payload FROM chassis.pgqueuer WHERE entrypoint = 'run-fan-out' ORDER BY id"
    )
    for job in jobs:
        await runner.run(msgspec.json.decode(job["payload"], type=RunFanOut), JobRun(1, asyncio.Event()))
    return await scenario.harness.emitted_events(PickupMoved)


def days_of(moved: list[PickupMoved]) -> list[tuple[str, str, str]]:
    return [(one.agreement_id, str(one.planned_on), str(one.date)) for one in moved]


async def test_each_agreement_with_the_day_in_its_rhythm_is_told(scenario: OrdersScenario) -> None:
    (moved,) = await import_holiday(scenario, ASCENSION.format(date="2026-05-14", moves_to="2026-05-13"))
    assert days_of([moved]) == [(scenario.id("A1"), "2026-05-14", "2026-05-13")]
    assert (moved.organisation_id, moved.site_id) == (scenario.organisation_id, scenario.sites["50"])
    calendar = await scenario.harness.api(await scenario.member()).calendars(
        [scenario.sites["50"]], moved.date, moved.date
    )
    assert moved.pickup_id in {pickup.id for pickup in calendar[0].pickups}  # type: ignore[union-attr]
    assert read_id("pickup", moved.pickup_id)


async def test_pickups_of_a_day_that_moves_on_are_told_too(scenario: OrdersScenario) -> None:
    moved = await import_holiday(scenario, ASCENSION.format(date="2026-05-15", moves_to="2026-05-16"))
    expected = [(scenario.id("A1"), "2026-05-14", "2026-05-16"), (scenario.id("A2"), "2026-05-15", "2026-05-16")]
    assert sorted(days_of(moved)) == sorted(expected), "14 May moves to 15 May, and so on to 16 May"


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(ASCENSION.format(date="2026-05-14", moves_to="2026-05-15"), id="unchanged"),
        pytest.param(
            ASCENSION.format(date="2026-05-14", moves_to="2026-05-15").replace("Helatorstai", "Hela"), id="another name"
        ),
        pytest.param(ASCENSION.format(date="2026-02-19", moves_to="2026-02-20"), id="in the past"),
        pytest.param(ASCENSION.format(date="2026-05-12", moves_to="2026-05-13"), id="no pickups on it"),
        pytest.param(
            ASCENSION.format(date="2026-05-21", moves_to="2026-05-22").replace("FI,", "SE,"), id="another country"
        ),
    ],
)
async def test_nobody_is_told_of_what_moves_nothing(scenario: OrdersScenario, row: str) -> None:
    assert await import_holiday(scenario, row) == []
