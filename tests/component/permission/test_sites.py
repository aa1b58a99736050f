"""Who may do what at sites."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from services.chassis.ids import read_id
from services.chassis.postgres import Pool
from services.contracts.sites import Sites
from services.sites.app import SITES
from tests.component.permission.callers import ORG_A, ORG_B, SITE_A, SITE_A2, SITE_B, open_door
from tests.component.permission.walk import IMPORTS, SEES, Case, row, walk
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase

PEOPLE_WHO_SEE_IT = row(members=SEES, staff=SEES)
CASES: dict[str, Case] = {
    **IMPORTS,
    "sites": ({"page": {}}, PEOPLE_WHO_SEE_IT),
    "sitesById": ({"ids": [SITE_A]}, PEOPLE_WHO_SEE_IT),
}
SITES_OF = {ORG_A: (SITE_A, SITE_A2), ORG_B: (SITE_B,)}


async def furnish(pool: Pool) -> None:
    """Two sites of organisation A, one of organisation B, a container on each."""
    for organisation, sites in SITES_OF.items():
        for site in sites:
            ids = read_id("site", site), read_id("org", organisation)
            await pool.execute(
                "INSERT INTO sites VALUES ($1, $3, $2, 'STREET', '45100', 'KOUVOLA', 'KOUVOLA', 'X', 'HOUSE', 1,"
                " 'BILL', NULL, NULL, NULL, 1, 'street', 'kouvola', 'street')",
                *ids,
                f"number of {site}",
            )
            await pool.execute(
                "INSERT INTO containers VALUES (gen_random_uuid(), $3, $1, $2, 'GLASS', 240, 1, 1)",
                *ids,
                f"container of {site}",
            )


async def test_the_walk(
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
    tmp_path: Path,
) -> None:
    url = await make_database(SITES)
    pool = await open_pool(url)
    await furnish(pool)
    async with open_door(SITES, url, pool, clock, tmp_path) as door:
        belongings = [SITE_A, f"number of {SITE_A}", f"container of {SITE_A}"]
        assert await walk(door, Sites, CASES, belongings) == []


async def test_an_operation_without_a_row_fails_the_walk(
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
    tmp_path: Path,
) -> None:
    url = await make_database(SITES)
    async with open_door(SITES, url, await open_pool(url), clock, tmp_path) as door:
        lacking = {name: case for name, case in CASES.items() if name != "sites"}
        assert await walk(door, Sites, lacking, []) != []
