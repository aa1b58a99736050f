"""T1: volumes by period, fraction and site, compared with the period before, within the caller's access."""

import datetime as dt

import pytest

from services.access.caller import Caller
from services.chassis.problems import Forbidden, MalformedInput
from services.contracts.identity.events import Grant
from services.contracts.orders.pickups import PickupState
from services.contracts.permission import Role, SubjectKind
from services.contracts.sites import Fraction
from services.contracts.stats import Period, Stats, Volume, VolumeFilter, Volumes, VolumeStep
from services.contracts.values import refuse
from services.stats.app import STATS
from services.stats.store.transaction import StatsTransaction
from tests.component.stats.recorded_pickups import an_id, emptied
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[StatsTransaction, Stats]
MakeStats = MakeHarness[StatsTransaction, Stats]

MARCH = (dt.date(2026, 3, 1), dt.date(2026, 3, 31))
NOTHING = Volumes(
    steps=[VolumeStep(start=MARCH[0], end=MARCH[1], partial=True, grams=0, pickups=0, rows=[])],
    grams=0,
    pickups=0,
    previous_grams=0,
)
"""The volumes of March, which is not over, without a pickup."""


async def member_of(harness: Harness, organisation_id: str, site_ids: list[str] | None = None) -> Caller:
    return await harness.caller(Grant(organisation_id=organisation_id, role=Role.VIEWER, site_ids=site_ids))


async def read(
    harness: Harness,
    caller: Caller,
    since: dt.date = MARCH[0],
    until: dt.date = MARCH[1],
    period: Period = Period.MONTH,
    *,
    organisation_id: str | None = None,
    site_ids: list[str] | None = None,
    fractions: list[Fraction] | None = None,
) -> Volumes:
    organisation_ids = [organisation_id] if organisation_id else None
    wanted = VolumeFilter(organisation_ids=organisation_ids, site_ids=site_ids, fractions=fractions)
    volumes = await harness.api(caller).volumes(since, until, period, wanted)
    assert isinstance(volumes, Volumes)
    return volumes


async def test_an_emptied_pickup_is_in_its_month(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    org, site = an_id("org"), an_id("site")
    viewer = await member_of(harness, org)
    assert await read(harness, viewer) == NOTHING

    recorded = emptied(org, site, "2026-03-04T09:00:00+02:00", 38_500)
    await harness.receive(recorded)
    volumes = await read(harness, viewer)
    row = Volume(fraction=Fraction.RESIDUAL, article_id=recorded.article_id, grams=38_500, pickups=1)
    assert volumes.steps == [
        VolumeStep(start=MARCH[0], end=MARCH[1], partial=True, grams=38_500, pickups=1, rows=[row])
    ]
    assert (volumes.grams, volumes.pickups, volumes.previous_grams) == (38_500, 1, 0)


async def test_a_planned_or_failed_pickup_is_stored_but_not_counted(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    org, site = an_id("org"), an_id("site")
    for state in (PickupState.PLANNED, PickupState.ARRIVED, PickupState.FAILED):
        await harness.receive(emptied(org, site, "2026-03-04T09:00:00+02:00", 500, state=state))
    assert (await read(harness, await member_of(harness, org))).pickups == 0
    assert await harness.pool.fetchval("SELECT count(*) FROM pickups") == 3


async def test_a_pickup_without_article_and_fraction_counts_as_one_of_none(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    org, site, at = an_id("org"), an_id("site"), "2026-03-04T09:00:00+02:00"
    await harness.receive(emptied(org, site, at, 1), emptied(org, site, at, 10, article_id=None, fraction=None))
    await harness.receive(emptied(org, site, at, 100, article_id=None, fraction=None))
    viewer = await member_of(harness, org)
    ((first, second),) = [step.rows for step in (await read(harness, viewer)).steps]
    assert (first.fraction, first.grams) == (Fraction.RESIDUAL, 1)
    assert (second.fraction, second.article_id, second.grams, second.pickups) == (None, None, 110, 2)
    assert (await read(harness, viewer, fractions=[Fraction.RESIDUAL])).grams == 1


async def test_the_newest_version_counts_in_any_order(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    org, site = an_id("org"), an_id("site")
    viewer = await member_of(harness, org)
    at = "2026-03-04T09:00:00+02:00"
    first = emptied(org, site, at, 1_000, version=2)
    corrected = emptied(org, site, at, 1_500, pickup_id=first.pickup_id, version=3)
    await harness.receive(corrected, first, corrected)
    volumes = await read(harness, viewer)
    assert (volumes.grams, volumes.pickups) == (1_500, 1)

    withdrawn = emptied(org, site, at, None, pickup_id=first.pickup_id, version=4, state=PickupState.FAILED)
    await harness.receive(withdrawn)
    assert await read(harness, viewer) == NOTHING


@pytest.mark.parametrize(
    ("period", "starts"),
    [
        (Period.DAY, ["2025-12-29", "2026-01-04", "2026-01-05", "2026-03-31", "2026-04-01"]),
        (Period.WEEK, ["2025-12-29", "2026-01-05", "2026-03-30"]),
        (Period.MONTH, ["2025-12-01", "2026-01-01", "2026-03-01", "2026-04-01"]),
        (Period.QUARTER, ["2025-10-01", "2026-01-01", "2026-04-01"]),
        (Period.YEAR, ["2025-01-01", "2026-01-01"]),
    ],
)
async def test_periods_are_days_iso_weeks_months_quarters_and_years(
    make_harness: MakeStats, period: Period, starts: list[str]
) -> None:
    harness = await make_harness(STATS)
    org, site = an_id("org"), an_id("site")
    for day in ("2025-12-29", "2026-01-04", "2026-01-05", "2026-03-31", "2026-04-01"):
        await harness.receive(emptied(org, site, f"{day}T12:00:00+02:00"))
    volumes = await read(harness, await member_of(harness, org), dt.date(2025, 12, 29), dt.date(2026, 4, 1), period)
    assert [step.start.isoformat() for step in volumes.steps if step.rows] == starts
    assert (volumes.grams, volumes.pickups) == (5_000, 5)


async def test_every_step_is_shown_and_a_part_of_one_is_marked(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    org, site = an_id("org"), an_id("site")
    for day in ("2025-12-10", "2025-12-31", "2026-02-27", "2026-03-04"):
        await harness.receive(emptied(org, site, f"{day}T12:00:00+02:00", 5))
    viewer = await member_of(harness, org)
    volumes = await read(harness, viewer, dt.date(2025, 12, 31), dt.date(2026, 3, 31))
    assert [(step.start.isoformat(), step.end.isoformat(), step.partial, step.grams) for step in volumes.steps] == [
        ("2025-12-01", "2025-12-31", True, 5),
        ("2026-01-01", "2026-01-31", False, 0),
        ("2026-02-01", "2026-02-28", False, 5),
        ("2026-03-01", "2026-03-31", True, 5),
    ]
    harness.clock.move(days=28)
    after_march = await read(harness, viewer, dt.date(2026, 2, 1), dt.date(2026, 3, 31))
    assert [step.partial for step in after_march.steps] == [False, False], "it is 1 April"
    cut = await read(harness, viewer, dt.date(2026, 2, 1), dt.date(2026, 3, 30))
    assert [step.partial for step in cut.steps] == [False, True]


async def test_a_day_is_the_operators_day(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    org, site = an_id("org"), an_id("site")
    # 0:30 on 1 April in Helsinki, in summer time.
    await harness.receive(emptied(org, site, "2026-03-31T21:30:00Z"))
    viewer = await member_of(harness, org)
    assert (await read(harness, viewer)).pickups == 0
    assert (await read(harness, viewer, dt.date(2026, 4, 1), dt.date(2026, 4, 1), Period.DAY)).pickups == 1


async def test_both_days_are_inclusive_and_compared_with_as_many_days_before(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    org, site = an_id("org"), an_id("site")
    for day, grams in {
        "03-01": 1,
        "03-02": 10,
        "03-03": 100,
        "03-04": 1_000,
        "03-05": 10_000,
        "03-06": 100_000,
    }.items():
        await harness.receive(emptied(org, site, f"2026-{day}T12:00:00+02:00", grams))
    volumes = await read(harness, await member_of(harness, org), dt.date(2026, 3, 4), dt.date(2026, 3, 5), Period.DAY)
    assert (volumes.grams, volumes.previous_grams) == (11_000, 110)


async def test_rows_come_by_start_fraction_and_article(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    org, site = an_id("org"), an_id("site")
    old, new = an_id("article"), an_id("article")
    for day in ("03-05", "02-05"):
        for fraction, article in ((Fraction.RESIDUAL, new), (Fraction.RESIDUAL, old), (Fraction.BIOWASTE, new)):
            at = f"2026-{day}T12:00:00+02:00"
            await harness.receive(emptied(org, site, at, fraction=fraction, article_id=article))
    volumes = await read(harness, await member_of(harness, org), dt.date(2026, 2, 1))
    order = [(Fraction.BIOWASTE, new), (Fraction.RESIDUAL, old), (Fraction.RESIDUAL, new)]
    assert [(step.start.month, row.fraction, row.article_id) for step in volumes.steps for row in step.rows] == [
        (month, fraction, article) for month in (2, 3) for fraction, article in order
    ]


async def test_filters_by_organisation_sites_and_fractions(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    mine, other = an_id("org"), an_id("org")
    first, second, third = an_id("site"), an_id("site"), an_id("site")
    at = "2026-03-04T12:00:00+02:00"
    await harness.receive(
        emptied(mine, first, at, 1),
        emptied(mine, second, at, 10, fraction=Fraction.BIOWASTE),
        emptied(other, third, at, 100),
    )
    manager = await harness.caller(
        Grant(organisation_id=mine, role=Role.ADMIN), Grant(organisation_id=other, role=Role.VIEWER)
    )
    assert (await read(harness, manager)).grams == 111
    assert (await read(harness, manager, organisation_id=mine)).grams == 11
    assert (await read(harness, manager, site_ids=[second, third])).grams == 110
    assert (await read(harness, manager, fractions=[Fraction.RESIDUAL])).grams == 101
    assert (await read(harness, manager, organisation_id=mine, fractions=[Fraction.RESIDUAL])).grams == 1
    assert (await read(harness, manager, site_ids=[])).grams == 0
    assert (await read(harness, manager, organisation_id="not an id")).grams == 0
    assert (await read(harness, manager, site_ids=["not an id"])).grams == 0


async def test_only_sites_within_reach_are_counted(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    org, other = an_id("org"), an_id("org")
    first, second, elsewhere = an_id("site"), an_id("site"), an_id("site")
    at, before = "2026-03-04T12:00:00+02:00", "2026-02-04T12:00:00+02:00"
    await harness.receive(emptied(org, first, at, 1), emptied(org, second, at, 10), emptied(other, elsewhere, at, 100))
    await harness.receive(emptied(org, first, before, 2), emptied(org, second, before, 20))

    limited = await read(harness, await member_of(harness, org, [first]))
    assert (limited.grams, limited.previous_grams) == (1, 2)
    assert (await read(harness, await member_of(harness, org, [first]), site_ids=[second])).grams == 0
    assert (await read(harness, await member_of(harness, org), organisation_id=other)).grams == 0
    assert (await read(harness, await harness.caller())).grams == 0
    yesterday = Grant(organisation_id=org, role=Role.ADMIN, until=dt.date(2026, 3, 3))
    assert (await read(harness, await harness.caller(yesterday))).grams == 0
    assert (await read(harness, await harness.caller(kind=SubjectKind.STAFF))).grams == 111


async def test_partners_have_no_volumes(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    partner = await harness.caller(
        Grant(organisation_id=None), kind=SubjectKind.PARTNER, scopes=["orders:read", "pickups:report"]
    )
    with pytest.raises(Forbidden):
        await harness.api(partner).volumes(*MARCH)


async def test_days_in_the_wrong_order_and_more_than_ten_years_are_refused(make_harness: MakeStats) -> None:
    harness = await make_harness(STATS)
    api = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    with pytest.raises(MalformedInput, match="until: reason EARLIEST, earliest 2026-03-31"):
        await api.volumes(MARCH[1], MARCH[0])
    assert await api.volumes(dt.date(2016, 1, 1), MARCH[1]) == refuse("TOO_LONG", "until", days=3660)
    for period in Period:
        for day in (dt.date.min, dt.date.max):
            of_a_day = await api.volumes(day, day, period)
            assert isinstance(of_a_day, Volumes)
            assert [step.partial for step in of_a_day.steps] == [day == dt.date.max or period is not Period.DAY]
