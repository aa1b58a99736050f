"""T10: the volumes are the sum of the facts, for events in any order and repeated."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contracts.orders.events import PickupRecorded
from services.contracts.orders.pickups import PickupState
from services.contracts.sites import Fraction
from services.contracts.stats import Stats
from services.stats.app import STATS
from services.stats.store.transaction import StatsTransaction
from tests.component.stats.recorded_pickups import an_id, emptied
from tests.support.fixtures import MakeHarness
from tests.support.hypothesis_profiles import max_examples
from tests.support.owner import execute_as_owner
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[StatsTransaction, Stats]

PICKUPS, ORGANISATIONS, SITES, ARTICLES = (
    [an_id(prefix) for _ in range(count)] for prefix, count in (("pickup", 3), ("org", 2), ("site", 2), ("article", 2))
)


@pytest.fixture
async def harness(make_harness: MakeHarness[StatsTransaction, Stats]) -> Harness:
    return await make_harness(STATS)


@st.composite
def histories(draw: st.DrawFn) -> list[PickupRecorded]:
    """Draw versions of a few pickups in any order, some repeated."""
    known = {
        (pickup_id, version): emptied(
            draw(st.sampled_from(ORGANISATIONS)),
            draw(st.sampled_from(SITES)),
            draw(st.sampled_from(["2026-03-04T10:00:00Z", "2026-03-04T23:00:00Z"])),
            draw(st.none() | st.integers(0, 1_000)),
            pickup_id=pickup_id,
            article_id=draw(st.none() | st.sampled_from(ARTICLES)),
            fraction=draw(st.sampled_from([Fraction.RESIDUAL, Fraction.BIOWASTE, None])),
            state=draw(st.sampled_from([PickupState.EMPTIED, PickupState.FAILED])),
            version=version,
        )
        for pickup_id in PICKUPS
        for version in (1, 2, 3)
    }
    return [known[key] for key in draw(st.lists(st.sampled_from(sorted(known)), max_size=25))]


@settings(max_examples=max_examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), at_once=st.integers(1, 10))
async def test_the_rollup_is_the_sum_of_the_newest_facts(
    harness: Harness, history: list[PickupRecorded], at_once: int
) -> None:
    await execute_as_owner(harness.pool, "TRUNCATE pickups, volumes")
    for start in range(0, len(history), at_once):
        await harness.receive_batch(*history[start : start + at_once])

    newest: dict[str, int] = {}
    for event in history:
        newest[event.pickup_id] = max(newest.get(event.pickup_id, 0), event.version)
    facts = await harness.pool.fetch("SELECT * FROM pickups")
    assert sorted(fact["version"] for fact in facts) == sorted(newest.values())

    grams, pickups = Counter[object](), Counter[object]()
    for fact in facts:
        if fact["state"] == "EMPTIED":
            day = fact["done_at"].astimezone(harness.clock.zone).date()
            place = (fact["organisation_id"], day, fact["site_id"], fact["article_id"], fact["fraction"])
            grams[place] += fact["grams"] or 0
            pickups[place] += 1
    rollup = await harness.pool.fetch("SELECT * FROM volumes WHERE grams <> 0 OR pickups <> 0")
    assert {tuple(row)[:5]: tuple(row)[5:] for row in rollup} == {
        place: (grams[place], count) for place, count in pickups.items()
    }
