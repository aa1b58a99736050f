"""Sites that changed, moved to another customer or left a filter since an earlier look at the list."""

from services.access.caller import Caller
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.events import Grant, OrganisationStated
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.permission import Role, SubjectKind
from services.contracts.sites import SiteFilter, Sites
from services.contracts.values import Page
from services.sites.app import SITES
from services.sites.store.transaction import SitesTransaction
from tests.support.fixtures import MakeHarness
from tests.support.list_follower import next_changes
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[SitesTransaction, Sites]

FIRST, SECOND = "62-0000001-00", "17-3141592-01"
HEADER = "site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to\n"
BEECH = f"S1,{FIRST},Koivukatu 1,45100,KOUVOLA,KOUVOLA,KESKUSTA,HOUSING_COMPANY,24,As Oy Koivu\n"
PINE = f"S2,{FIRST},Mäntytie 2,45100,KOUVOLA,KOUVOLA,KESKUSTA,HOUSE,1,As Oy Koivu\n"


class Look:
    """The sites that a reader finds from one look to the next."""

    def __init__(self, harness: Harness, caller: Caller, conditions: SiteFilter | None = None) -> None:
        self._api = harness.api(caller)
        self._conditions = conditions
        self._token: str | None = None
        self._numbers: dict[str, str] = {}

    async def again(self) -> tuple[list[str], list[str]]:
        """Return the numbers of the sites that are new or changed, and of those that left."""
        return await next_changes(self._once, ([], []))

    async def _once(self) -> tuple[list[str], list[str]]:
        page = await self._api.sites(Page(updated_after=self._token), self._conditions)
        self._token = page.page_info.updated_until
        sites = [edge.node for edge in page.edges]
        assert page.total_count == len(sites)
        self._numbers |= {site.id: site.site_number for site in sites}
        return [site.site_number for site in sites], sorted(self._numbers[one] for one in page.removed)


async def test_each_reader_sees_what_changed_within_its_reach(
    make_harness: MakeHarness[SitesTransaction, Sites],
) -> None:
    harness = await make_harness(SITES)
    organisations = {number: write_id("org", new_uuid()) for number in (FIRST, SECOND)}
    await harness.receive(
        *(
            OrganisationStated(organisation_id=one, customer_number=number, kind=OrganisationKind.HOUSEHOLD, version=1)
            for number, one in organisations.items()
        )
    )
    await harness.import_file("sites", HEADER + BEECH + PINE)
    of_first, of_second = [
        await harness.caller(Grant(organisation_id=one, role=Role.VIEWER)) for one in organisations.values()
    ]
    staff = await harness.caller(kind=SubjectKind.STAFF)
    first, second, everything = Look(harness, of_first), Look(harness, of_second), Look(harness, staff)
    kouvola = Look(harness, staff, SiteFilter(search="kouvola"))
    for look in (first, everything, kouvola):
        assert await look.again() == (["S1", "S2"], [])
    assert await second.again() == ([], [])

    await harness.import_file("sites", HEADER + BEECH.replace("Koivukatu 1", "Koivukatu 3") + PINE)
    for look in (first, everything, kouvola):
        assert await look.again() == (["S1"], [])
    assert await second.again() == ([], [])

    await harness.import_file("sites", HEADER + PINE.replace(FIRST, SECOND))
    assert await first.again() == ([], ["S2"])
    assert await second.again() == (["S2"], [])
    assert await everything.again() == (["S2"], [])
    assert await kouvola.again() == (["S2"], [])

    vantaa = PINE.replace(FIRST, SECOND).replace("KOUVOLA,KOUVOLA", "VANTAA,VANTAA")
    await harness.import_file("sites", HEADER + vantaa)
    assert await kouvola.again() == ([], ["S2"])
    assert await everything.again() == (["S2"], [])
    assert await first.again() == ([], [])
