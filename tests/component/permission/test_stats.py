"""Permissions at stats."""

import uuid

from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id, write_id
from services.stats.app import STATS
from tests.component.permission.callers import ORG_A, ORG_B, SITE_A, SITE_A2, SITE_B
from tests.component.permission.conftest import CheckPermissions
from tests.component.permission.matrix import IMPORTS, SEES, Case, expectations

ARTICLE = {
    site: write_id("article", uuid.UUID(int=read_id("site", site).int + 1)) for site in (SITE_A, SITE_A2, SITE_B)
}
MONTH = {"since": "2026-03-01", "until": "2026-03-31"}
PEOPLE_WHO_SEE_IT = expectations(members=SEES, staff=SEES)
CASES: dict[str, Case] = {
    **IMPORTS,
    "volumes": ({**MONTH, "siteIds": [SITE_A]}, PEOPLE_WHO_SEE_IT),
}


async def insert_rows(pool: Pool) -> None:
    """Insert a volume of each site's own article."""
    for organisation, sites in {ORG_A: (SITE_A, SITE_A2), ORG_B: (SITE_B,)}.items():
        for site in sites:
            await pool.execute(
                "INSERT INTO volumes VALUES ($1, '2026-03-02', $2, $3, 'GLASS', 7000, 1)",
                read_id("org", organisation),
                read_id("site", site),
                read_id("article", ARTICLE[site]),
            )


async def test_the_permission_matrix(check_permissions: CheckPermissions) -> None:
    assert await check_permissions(STATS, insert_rows, CASES, [ARTICLE[SITE_A]], [ARTICLE[SITE_B], ORG_B]) == []


async def test_the_permission_matrix_without_filter(check_permissions: CheckPermissions) -> None:
    everything: dict[str, Case] = {**CASES, "volumes": (MONTH, PEOPLE_WHO_SEE_IT)}
    assert await check_permissions(STATS, insert_rows, everything, [ARTICLE[SITE_A]], [ARTICLE[SITE_B], ORG_B]) == []
