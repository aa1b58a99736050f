"""The recount of the volumes from the facts, while facts arrive and callers read."""

import asyncio

from services.contracts.orders.pickups import PickupState
from services.contracts.sites import Fraction
from services.contracts.stats import Stats
from services.stats.app import STATS
from services.stats.store.transaction import StatsTransaction
from tests.component.stats.recorded_pickups import an_id, emptied
from tests.support.fixtures import MakeHarness
from tests.support.polling import until
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[StatsTransaction, Stats]

IS_LOCK_AWAITED = """
    SELECT true FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
VOLUMES = (
    "SELECT organisation_id, day, site_id, article_id, fraction, grams, pickups FROM volumes ORDER BY 1, 2, 3, 4, 5"
)
FACTS = """
    SELECT organisation_id, counted_on, site_id, article_id, fraction, sum(coalesce(grams, 0))::bigint, count(*)
    FROM pickups WHERE counted_on IS NOT NULL GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""


async def recount(harness: Harness) -> None:
    async with harness.work() as tx:
        await tx.volumes.recount()


async def facts_and_volumes(harness: Harness) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    return (
        [tuple(row) for row in await harness.pool.fetch(FACTS)],
        [tuple(row) for row in await harness.pool.fetch(VOLUMES)],
    )


async def test_the_recounted_volumes_are_the_sum_of_the_facts(
    make_harness: MakeHarness[StatsTransaction, Stats],
) -> None:
    harness = await make_harness(STATS)
    org, site = an_id("org"), an_id("site")
    days = [f"2026-03-{day:02}T10:00:00Z" for day in range(1, 7)]
    await harness.receive(*(emptied(org, site, day, 1_000) for day in days))
    of_nothing = [emptied(org, site, days[0], 3, article_id=None, fraction=one) for one in (None, Fraction.GLASS)]
    await harness.receive(*of_nothing, *of_nothing, emptied(org, site, days[1], 4, fraction=None))
    await harness.receive(emptied(org, site, days[0], None), emptied(org, site, days[0], 5, state=PickupState.FAILED))
    taken_out = emptied(org, an_id("site"), days[0], 7)
    await harness.receive(taken_out, emptied(org, site, days[0], 7, pickup_id=taken_out.pickup_id, version=3))
    await harness.pool.execute(
        """
        UPDATE volumes SET grams = 1 WHERE day = '2026-03-02';
        UPDATE volumes SET pickups = 9 WHERE day = '2026-03-03';
        DELETE FROM volumes WHERE day = '2026-03-04';
        INSERT INTO volumes SELECT gen_random_uuid(), day, site_id, article_id, fraction, 1, 1 FROM volumes
        """
    )
    await recount(harness)
    facts, volumes = await facts_and_volumes(harness)
    assert volumes == facts
    assert len(facts) == len(days) + 3, "a volume without a pickup is deleted"


async def test_facts_that_arrive_during_a_recount_are_counted_once(
    make_harness: MakeHarness[StatsTransaction, Stats],
) -> None:
    harness = await make_harness(STATS)
    org, sites = an_id("org"), [an_id("site") for _ in range(3)]

    async def drive(site: str) -> None:
        for number in range(40):
            first = emptied(org, site, "2026-03-04T10:00:00Z", number)
            again = emptied(org, site, "2026-03-03T10:00:00Z", number + 1, pickup_id=first.pickup_id, version=3)
            await harness.receive(first, again)

    driving = asyncio.gather(*(drive(site) for site in sites))
    while not driving.done():
        await recount(harness)
    await driving
    facts, volumes = await facts_and_volumes(harness)
    assert [row for row in volumes if row[-1]] == facts
    assert sum(int(str(row[-1])) for row in facts) == 120


async def test_readers_see_the_old_volumes_until_the_commit(make_harness: MakeHarness[StatsTransaction, Stats]) -> None:
    harness = await make_harness(STATS)
    await harness.receive(emptied(an_id("org"), an_id("site"), "2026-03-04T10:00:00Z", 1_000))
    await harness.pool.execute("UPDATE volumes SET grams = 1")
    async with harness.work() as tx:
        await tx.volumes.recount()
        assert await harness.pool.fetchval("SELECT grams FROM volumes") == 1, (
            "a reader does not wait, and sees no partial recount"
        )
        writing = asyncio.create_task(
            harness.receive(emptied(an_id("org"), an_id("site"), "2026-03-04T10:00:00Z", 2_000))
        )
        await until(lambda: harness.pool.fetchval(IS_LOCK_AWAITED))
        assert not writing.done(), "a writer waits, and adds to the recounted volumes"
    await writing
    facts, volumes = await facts_and_volumes(harness)
    assert volumes == facts
