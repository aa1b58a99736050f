"""Permissions at sites, and that the walk finds what is wrong."""

import msgspec

from services.access.caller import Caller
from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id, write_id
from services.contracts.permission import SubjectKind
from services.sites.app import SITES
from services.sites.http.api import SitesApi
from tests.component.permission.callers import ORG_A, ORG_B, SITE_A, SITE_A2, SITE_B, SUBJECTS, CallerCase
from tests.component.permission.conftest import WalkPermissions
from tests.component.permission.walk import Example
from tests.component.permission.walked_service import WalkedService


def container_id(site: str) -> str:
    """Return the id of the container on a site."""
    return write_id("container", read_id("site", site))


CONTAINER_A = container_id(SITE_A)
SITES_OF = {ORG_A: (SITE_A, SITE_A2), ORG_B: (SITE_B,)}
BELONGINGS = [SITE_A, f"number of {SITE_A}", f"container of {SITE_A}"]
FOREIGN = [SITE_B, f"number of {SITE_B}", f"container of {SITE_B}", ORG_B]
EXAMPLES = {
    "sites": Example(arguments=lambda who, ids: {"page": {}}, shows=BELONGINGS),
    "sitesById": Example(arguments=lambda who, ids: {"ids": [ids["site"]]}, shows=BELONGINGS),
    "siteContacts": Example(
        arguments=lambda who, ids: {"siteIds": [ids["site"]]}, shows=["STREET"], seen_by=[CallerCase.SERVICE]
    ),
    "containersById": Example(
        arguments=lambda who, ids: {"ids": [ids["container"]]}, shows=[CONTAINER_A, f"container of {SITE_A}"]
    ),
}


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
                "INSERT INTO containers VALUES ($4, $3, $1, $2, 'GLASS', 240, 1, 1)",
                *ids,
                f"container of {site}",
                read_id("container", container_id(site)),
            )


WALKED = WalkedService(
    blueprint=SITES, insert_rows=insert_rows, examples=EXAMPLES, own={"container": CONTAINER_A}, foreign=FOREIGN
)


async def test_the_permission_walk(walk_permissions: WalkPermissions) -> None:
    assert await walk_permissions(WALKED) == []


async def test_the_walk_finds_an_operation_without_an_example(walk_permissions: WalkPermissions) -> None:
    lacking = {name: example for name, example in EXAMPLES.items() if name != "sites"}
    assert await walk_permissions(msgspec.structs.replace(WALKED, examples=lacking)) == ["sites has no example"]


async def test_the_walk_finds_queries_that_ignore_their_caller(walk_permissions: WalkPermissions) -> None:
    staff = Caller(subject_id=SUBJECTS[CallerCase.STAFF], kind=SubjectKind.STAFF)
    open_to_all = msgspec.structs.replace(SITES, bind=lambda runtime: lambda caller: SitesApi(runtime, staff))
    deviations = await walk_permissions(msgspec.structs.replace(WALKED, blueprint=open_to_all))
    for deviation in (
        "sites as OTHER_SITE: sees it, expected sees nothing of it",
        "sitesById as OTHER_ORGANISATION: sees it, expected sees nothing of it",
        "sites(filter.organisationIds) as REMOVED: the answer differs from that about an unknown thing",
        "sites as VIEWER: shows another organisation's",
    ):
        assert deviation in deviations


async def test_the_walk_finds_an_operation_that_no_caller_can_use(walk_permissions: WalkPermissions) -> None:
    unseen = {**EXAMPLES, "sites": msgspec.structs.replace(EXAMPLES["sites"], seen_by=[])}
    deviations = await walk_permissions(msgspec.structs.replace(WALKED, examples=unseen))
    assert "sites: no caller succeeds" in deviations
