"""L2: sites are found by words, in any order and without accents."""

import unicodedata

import pytest

from services.access.caller import Caller
from services.chassis.db.search_words import searched_text
from services.chassis.ids import new_uuid, write_id
from services.chassis.problems import MalformedInput
from services.contracts.identity.events import Grant, OrganisationStated
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.permission import Role, SubjectKind
from services.contracts.sites import SiteFilter, Sites
from services.contracts.values import Page
from services.sites.app import SITES
from services.sites.store.transaction import SitesTransaction
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[SitesTransaction, Sites]

KAARISILTA, HEINO = "62-0000001-00", "17-3141592-01"
EXPORT = f"""\
site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to,contact_name
S50,{KAARISILTA},Koivukatu 1,45100,KOUVOLA,KOUVOLA,KESKUSTA,HOUSING_COMPANY,24,As Oy Kaarisilta,Bjørn Sæther
S51,{KAARISILTA},Koivukatu 21,45100,KOUVOLA,KOUVOLA,KESKUSTA,HOUSING_COMPANY,24,As Oy Kaarisilta,
S52,{HEINO},Mäntytie 14 B,01300,VANTAA,VANTAA,TIKKURILA,HOUSE,1,Aino Heinö,Eino Strauß
S53,{HEINO},Pajukuja 12,45160,KOUVOLA,KOUVOLA,KESKUSTA,HOUSE,1,Aino Heinö,
"""


def stated(organisation_id: str, number: str, version: int = 1) -> OrganisationStated:
    return OrganisationStated(
        organisation_id=organisation_id, customer_number=number, kind=OrganisationKind.HOUSEHOLD, version=version
    )


class Customers:
    """Two customers with two sites each."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.kaarisilta, self.heino = write_id("org", new_uuid()), write_id("org", new_uuid())

    async def add(self) -> None:
        await self.harness.receive(stated(self.kaarisilta, KAARISILTA), stated(self.heino, HEINO))
        done, bad = await self.harness.import_file("sites", EXPORT)
        assert (done.added, bad) == (4, [])

    async def callers(self) -> list[Caller]:
        """Return callers that reach all these sites: staff, and a member of both organisations."""
        grants = [Grant(organisation_id=one, role=Role.VIEWER) for one in (self.kaarisilta, self.heino)]
        return [await self.harness.caller(kind=SubjectKind.STAFF), await self.harness.caller(*grants)]

    async def found(self, caller: Caller, text: str, organisation_id: str | None = None) -> list[str]:
        organisation_ids = [organisation_id] if organisation_id else None
        asked = SiteFilter(search=text, organisation_ids=organisation_ids)
        page = await self.harness.api(caller).sites(Page(), asked)
        numbers = [edge.node.site_number for edge in page.edges]
        assert page.total_count == len(numbers)
        return sorted(numbers)


@pytest.fixture
async def customers(make_harness: MakeHarness[SitesTransaction, Sites]) -> Customers:
    both = Customers(await make_harness(SITES))
    await both.add()
    return both


FOUND = {
    "koivukatu 1 kouvola": ["S50"],
    "kouvola koivukatu": ["S50", "S51"],
    "KOUVOLA, Koivukatu 21": ["S51"],
    "Mantytie": ["S52"],
    "mäntytie": ["S52"],
    "tytie": ["S52"],
    "koivukatu": ["S50", "S51"],
    "1 koivukatu": ["S50"],
    "45100": ["S50", "S51"],
    "451": ["S50", "S51", "S53"],
    "s52": ["S52"],
    KAARISILTA: ["S50", "S51"],
    "kouvola 17-3141592": ["S53"],
    "3141592": ["S52", "S53"],
    "aino heino": ["S52", "S53"],
    "saether bjorn": ["S50"],
    "strauss": ["S52"],
    "kaarisilta as oy": ["S50", "S51"],
    " -- ": ["S50", "S51", "S52", "S53"],
    "koivukatu vantaa": [],
    "koivukuja": [],
    "koivu%": ["S50", "S51"],
}


async def test_sites_are_found_by_words_in_any_order_without_accents(customers: Customers) -> None:
    for caller in await customers.callers():
        assert {text: await customers.found(caller, text) for text in FOUND} == FOUND


async def test_a_member_finds_no_site_of_others(customers: Customers) -> None:
    member = await customers.harness.caller(Grant(organisation_id=customers.heino, role=Role.VIEWER))
    for text, found in FOUND.items():
        assert await customers.found(member, text) == [one for one in found if one in ("S52", "S53")]
        assert await customers.found(member, text, customers.kaarisilta) == []
    outsider = await customers.harness.caller(Grant(organisation_id=write_id("org", new_uuid()), role=Role.VIEWER))
    assert not any([await customers.found(outsider, text) for text in FOUND])


async def test_the_sites_of_one_organisation_meet_the_filter_too(customers: Customers) -> None:
    for caller in await customers.callers():
        api = customers.harness.api(caller)
        for asked, found in (
            (None, ["S52", "S53"]),
            (SiteFilter(search="kouvola"), ["S53"]),
            (SiteFilter(organisation_ids=[customers.kaarisilta]), []),
            (SiteFilter(organisation_ids=[customers.kaarisilta, customers.heino]), ["S52", "S53"]),
        ):
            page = await api.sites(Page(), asked, organisation_id=customers.heino)
            assert sorted(edge.node.site_number for edge in page.edges) == found
    member = await customers.harness.caller(Grant(organisation_id=customers.heino, role=Role.VIEWER))
    page = await customers.harness.api(member).sites(Page(), organisation_id=customers.kaarisilta)
    assert (page.edges, page.total_count) == ([], 0)


async def test_a_new_customer_number_is_found_and_the_former_is_not(customers: Customers) -> None:
    (staff, _) = await customers.callers()
    await customers.harness.receive(stated(customers.heino, "88-5550000-00", 2))
    assert await customers.found(staff, "88-5550000-00") == ["S52", "S53"]
    assert await customers.found(staff, HEINO) == []
    # A late event of the former version changes nothing.
    await customers.harness.receive(stated(customers.heino, HEINO, 1))
    assert await customers.found(staff, "88-5550000-00") == ["S52", "S53"]


async def test_a_changed_site_is_found_by_what_it_has_now(customers: Customers) -> None:
    (staff, _) = await customers.callers()
    await customers.harness.import_file("sites", EXPORT.replace("Pajukuja 12", "Lepikkö 3"))
    assert await customers.found(staff, "lepikko") == ["S53"]
    assert await customers.found(staff, "pajukuja") == []
    # The site of another customer has that one's number.
    await customers.harness.import_file("sites", EXPORT.replace(f"S53,{HEINO}", f"S53,{KAARISILTA}"))
    assert await customers.found(staff, KAARISILTA) == ["S50", "S51", "S53"]


async def test_too_many_words_are_refused(customers: Customers) -> None:
    (staff, _) = await customers.callers()
    with pytest.raises(MalformedInput, match="TOO_MANY_WORDS"):
        await customers.found(staff, " ".join(map(str, range(21))))


async def test_the_database_makes_the_same_text_as_the_search(customers: Customers) -> None:
    # Letters that are newer than Python's tables are unknown to it.
    known = [
        character
        for character in map(chr, range(1, 0x110000))
        if unicodedata.category(character) not in ("Cn", "Co", "Cs")
    ]
    texts = [f"x{'x x'.join(known[first : first + 1000])}x" for first in range(0, len(known), 1000)]
    made = await customers.harness.pool.fetch(
        "SELECT chassis.searched_text(text) AS searched FROM unnest($1::text[]) WITH ORDINALITY AS t (text, place)"
        " ORDER BY place",
        texts,
    )
    assert [row["searched"] for row in made] == [searched_text(text) for text in texts]
