"""Permissions at sites."""

from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id
from services.sites.app import SITES
from tests.component.permission.callers import ORG_A, ORG_B, SITE_A, SITE_A2, SITE_B
from tests.component.permission.conftest import CheckPermissions
from tests.component.permission.matrix import IMPORTS, SEES, Case, expectations

PEOPLE_WHO_SEE_IT = expectations(members=SEES, staff=SEES)
CASES: dict[str, Case] = {
    **IMPORTS,
    "sites": ({"page": {}}, PEOPLE_WHO_SEE_IT),
    "sitesById": ({"ids": [SITE_A]}, PEOPLE_WHO_SEE_IT),
}
SITES_OF = {ORG_A: (SITE_A, SITE_A2), ORG_B: (SITE_B,)}
BELONGINGS = [SITE_A, f"number of {SITE_A}", f"container of {SITE_A}"]
FOREIGN = [SITE_B, f"number of {SITE_B}", f"container of {SITE_B}", ORG_B]


async def insert_rows(pool: Pool) -> None:
    """Insert two sites of organisation A, one of organisation B, and a container on each."""
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


async def test_the_permission_matrix(check_permissions: CheckPermissions) -> None:
    assert await check_permissions(SITES, insert_rows, CASES, BELONGINGS, FOREIGN) == []


async def test_an_operation_without_a_row_fails_the_check(check_permissions: CheckPermissions) -> None:
    lacking = {name: case for name, case in CASES.items() if name != "sites"}
    assert await check_permissions(SITES, insert_rows, lacking, BELONGINGS, FOREIGN) == [
        "sites has no row in the table"
    ]


async def test_a_wrong_outcome_fails_the_check(check_permissions: CheckPermissions) -> None:
    wrong: dict[str, Case] = {**CASES, "sites": ({"page": {}}, expectations(members=SEES, outsiders=SEES, staff=SEES))}
    deviations = await check_permissions(SITES, insert_rows, wrong, BELONGINGS, FOREIGN)
    assert "sites as OTHER_ORGANISATION: sees nothing of it, expected sees it" in deviations


async def test_another_organisations_site_in_an_answer_fails_the_check(check_permissions: CheckPermissions) -> None:
    deviations = await check_permissions(SITES, insert_rows, CASES, BELONGINGS, [SITE_A2])
    assert "sites as VIEWER: shows another organisation's" in deviations
