"""L9: staff bring in sites and containers from the ERP."""

from services.access.caller import Caller
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.identity.events import Grant, OrganisationStated
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.permission import Role
from services.contracts.sites import ContainerStated, Fraction, SiteFilter, Sites, SiteStated
from services.contracts.values import Page
from services.sites.app import SITES
from services.sites.store.transaction import SitesTransaction
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

HEADER = "site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to\n"
EKOKAARI = "50,62-0000001-00,EKOKAARI 50,46860,KELTAKANGAS,KOUVOLA,KELTAKANGAS,HOUSING_COMPANY,24,AS OY MIRJA\n"
AARNE = "51,62-0000001-00,ÅAARNEENTIE 2,46860,KELTAKANGAS,KOUVOLA,KELTAKANGAS,HOUSE,1,AS OY MIRJA\n"
CONTAINERS = "container_number,site_number,fraction,litres,count\nC1,50,RESIDUAL,360,1\nC2,50,BIOWASTE,240,1\n"

Harness = ServiceHarness[SitesTransaction, Sites]


async def known_customer(harness: Harness) -> str:
    organisation_id = write_id("org", new_uuid())
    await harness.receive(
        OrganisationStated(
            organisation_id=organisation_id,
            customer_number="62-0000001-00",
            kind=OrganisationKind.HOUSING_COMPANY,
            version=1,
        )
    )
    return organisation_id


async def viewer_of(harness: Harness, organisation_id: str, site_ids: list[str] | None = None) -> Caller:
    return await harness.caller(Grant(organisation_id=organisation_id, role=Role.VIEWER, site_ids=site_ids))


async def test_a_site_is_there_with_its_containers_and_announced(
    make_harness: MakeHarness[SitesTransaction, Sites],
) -> None:
    harness = await make_harness(SITES)
    organisation_id = await known_customer(harness)
    done, bad = await harness.import_file("sites", HEADER + EKOKAARI)
    assert (done.added, done.failed, bad) == (1, 0, [])
    await harness.import_file("containers", CONTAINERS)

    page = await harness.api(await viewer_of(harness, organisation_id)).sites(Page())
    (site,) = [edge.node for edge in page.edges]
    assert (site.address.street, site.address.postal_code, site.billed_to) == ("EKOKAARI 50", "46860", "AS OY MIRJA")
    assert isinstance(site.containers, list)
    assert [(one.fraction, one.litres) for one in site.containers] == [
        (Fraction.RESIDUAL, 360),
        (Fraction.BIOWASTE, 240),
    ]
    (stated,) = await harness.emitted_events(SiteStated)
    assert (stated.site_id, stated.organisation_id, stated.version) == (site.id, organisation_id, 1)
    assert len(await harness.emitted_events(ContainerStated)) == 2


async def test_the_same_file_again_changes_nothing(make_harness: MakeHarness[SitesTransaction, Sites]) -> None:
    harness = await make_harness(SITES)
    await known_customer(harness)
    await harness.import_file("sites", HEADER + EKOKAARI)
    before = await harness.emitted_events()
    done, _ = await harness.import_file("sites", HEADER + EKOKAARI)
    assert (done.added, done.changed, done.unchanged) == (0, 0, 1)
    assert await harness.emitted_events() == before


async def test_bad_rows_are_named_and_good_ones_kept(make_harness: MakeHarness[SitesTransaction, Sites]) -> None:
    harness = await make_harness(SITES)
    await known_customer(harness)
    wrong_type = EKOKAARI.replace("HOUSING_COMPANY", "CASTLE").replace("50,62", "52,62")
    wrong_customer = EKOKAARI.replace("62-0000001-00", "62-9999999-00").replace("50,62", "53,62")
    truncated = "54,62-0000001-00,EKOK"
    done, bad = await harness.import_file("sites", HEADER + EKOKAARI + wrong_type + wrong_customer + truncated)
    assert (done.total, done.added, done.failed, done.done) == (4, 1, 3, 4)
    assert [(row.line, row.field, row.code) for row in bad] == [
        (3, "property_type", "MALFORMED"),
        (4, "customer_number", "UNKNOWN"),
        (5, "", "WRONG_CELL_COUNT"),
    ]
    assert {row.file for row in bad} == {"sites.csv"}


async def test_bytes_that_are_not_utf8_spoil_their_row_alone(
    make_harness: MakeHarness[SitesTransaction, Sites],
) -> None:
    harness = await make_harness(SITES)
    await known_customer(harness)
    done, bad = await harness.import_file("sites", (HEADER + EKOKAARI).encode() + AARNE.encode("latin-1"))
    assert (done.added, done.failed) == (1, 1)
    assert [(row.line, row.field, row.code) for row in bad] == [(3, "street", "NOT_UTF8")]


async def test_sites_are_searched_sorted_and_paged_and_others_sites_are_not_seen(
    make_harness: MakeHarness[SitesTransaction, Sites],
) -> None:
    harness = await make_harness(SITES)
    organisation_id = await known_customer(harness)
    await harness.import_file("sites", HEADER + AARNE + EKOKAARI)
    api = harness.api(await viewer_of(harness, organisation_id))
    first = await api.sites(Page(first=1))
    assert [edge.node.address.street for edge in first.edges] == ["EKOKAARI 50"], "Å comes after E"
    assert (first.total_count, first.page_info.has_next_page) == (2, True)
    second = await api.sites(Page(first=1, after=first.page_info.end_cursor))
    assert [edge.node.address.street for edge in second.edges] == ["ÅAARNEENTIE 2"]
    assert [e.node.site_number for e in (await api.sites(Page(), SiteFilter(search="åaarn"))).edges] == ["51"]

    one_site = await viewer_of(harness, organisation_id, [first.edges[0].node.id])
    assert [e.node.site_number for e in (await harness.api(one_site).sites(Page())).edges] == ["50"]
    outsider = await viewer_of(harness, write_id("org", new_uuid()))
    assert (await harness.api(outsider).sites(Page())).edges == []
    assert await harness.api(outsider).sites_by_id([first.edges[0].node.id]) == [None]


async def test_a_container_of_an_unknown_site_is_named(make_harness: MakeHarness[SitesTransaction, Sites]) -> None:
    harness = await make_harness(SITES)
    await known_customer(harness)
    await harness.import_file("sites", HEADER + EKOKAARI)
    done, bad = await harness.import_file("containers", CONTAINERS + "C3,77,GLASS,240,1\n")
    assert (done.added, done.failed) == (2, 1)
    assert [(row.line, row.field, row.code) for row in bad] == [(4, "site_number", "UNKNOWN")]


async def test_a_site_belongs_to_the_newest_organisation_with_its_number(
    make_harness: MakeHarness[SitesTransaction, Sites],
) -> None:
    harness = await make_harness(SITES)
    older, newer = await known_customer(harness), await known_customer(harness)
    assert older < newer, "ids sort by time"
    # Updates of the indexed number write the older row again, behind the newer one.
    for number in ("", "62-0000001-00"):
        await harness.pool.execute(
            "UPDATE organisations SET customer_number = $2 WHERE id = $1", read_id("org", older), number
        )
    await harness.import_file("sites", HEADER + EKOKAARI)
    (stated,) = await harness.emitted_events(SiteStated)
    assert stated.organisation_id == newer
