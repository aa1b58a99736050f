"""Permissions at stats."""

import uuid

from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id, write_id
from services.stats.app import STATS
from tests.component.permission.callers import ORG_A, ORG_B, SITE_A, SITE_A2, SITE_B
from tests.component.permission.conftest import WalkPermissions
from tests.component.permission.walk import Example
from tests.component.permission.walked_service import WalkedService

ARTICLE = {
    site: write_id("article", uuid.UUID(int=read_id("site", site).int + 1)) for site in (SITE_A, SITE_A2, SITE_B)
}
EXAMPLES = {
    "volumes": Example(
        arguments=lambda who, ids: {"since": "2026-03-01", "until": "2026-03-31"}, shows=[ARTICLE[SITE_A]]
    )
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


WALKED = WalkedService(blueprint=STATS, insert_rows=insert_rows, examples=EXAMPLES, foreign=[ARTICLE[SITE_B], ORG_B])


async def test_the_permission_walk(walk_permissions: WalkPermissions) -> None:
    assert await walk_permissions(WALKED) == []
