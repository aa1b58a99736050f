"""I17: an import writes what its file changed, and reports fields that were changed here, too."""

import datetime as dt

import pytest

from services.chassis.imports.record_changes import leads_of
from services.chassis.runtime.settings import InvalidSettings, ServiceSettings, SocketAddress, load
from services.contracts.imports import BadRow, FieldLead, Import
from services.contracts.sites import Sites, SiteStated
from services.sites.app import SITES
from services.sites.domain.site import SiteFacts
from services.sites.store.transaction import SitesTransaction
from tests.component.sites.test_import_sites import Harness, known_customer
from tests.support.fixtures import MakeHarness

HEADER = (
    "site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to,"
    "contact_name,contact_phone,changed_at\n"
)
LEADS = {"sites": {"contact_phone": FieldLead.PORTAL, "contact_name": FieldLead.LATER}}


def row(billed_to: str = "Mirja", name: str = "Aino", phone: str = "040 1", changed_at: str = "") -> str:
    """Return a file with one site."""
    site = "50,62-0000001-00,EKOKAARI 50,46860,KELTAKANGAS,KOUVOLA,KELTAKANGAS,HOUSING_COMPANY,24"
    return f"{HEADER}{site},{billed_to},{name},{phone},{changed_at}\n"


@pytest.fixture
async def harness(make_harness: MakeHarness[SitesTransaction, Sites]) -> Harness:
    """Sites, with an imported site."""
    made = await make_harness(SITES)
    made.settings = ServiceSettings(
        listen=SocketAddress("127.0.0.1", 0),
        database_url="postgresql://nowhere",
        kafka="127.0.0.1:0",
        identity_url="http://127.0.0.1:0",
        import_leads=LEADS,
    )
    await known_customer(made)
    done, bad = await made.import_file("sites", row())
    assert (done.added, bad) == (1, [])
    return made


async def change_here(harness: Harness, **fields: str) -> None:
    """Change fields of the site as a command of the portal would: with a new version, and noted."""
    async with harness.work() as tx:
        site = (await tx.sites.lock_by_number(["50"]))["50"]
        values = ", ".join(f"{field} = ${place}" for place, field in enumerate(fields, 2))
        await tx.connection.execute(
            f"UPDATE sites SET version = version + 1, {values} WHERE id = $1", site.id, *fields.values()
        )
        await tx.note_change("sites", "50", fields)


async def present(harness: Harness) -> tuple[str, str, str, int]:
    found = await harness.pool.fetchrow("SELECT billed_to, contact_name, contact_phone, version FROM sites")
    assert found is not None
    return found["billed_to"], found["contact_name"], found["contact_phone"], found["version"]


def counts(done: Import) -> tuple[int, int, int]:
    return done.changed, done.unchanged, done.failed


def conflicts(bad: list[BadRow]) -> list[tuple[str, str]]:
    assert {one.code for one in bad} <= {"CONFLICT"}
    return [(one.field, one.reason.partition(". ")[2]) for one in bad]


async def test_a_file_without_news_reverts_no_change(harness: Harness) -> None:
    await change_here(harness, billed_to="Uusi", contact_name="Eino", contact_phone="050 2")
    done, bad = await harness.import_file("sites", row())
    assert (counts(done), bad) == ((0, 1, 0), [])
    assert await present(harness) == ("Uusi", "Eino", "050 2", 2)


async def test_a_field_that_only_the_file_changed_is_written_beside_one_that_was_changed_here(
    harness: Harness,
) -> None:
    await change_here(harness, contact_phone="050 2")
    done, bad = await harness.import_file("sites", row(name="Eino"))
    assert (counts(done), bad) == ((1, 0, 0), [])
    assert await present(harness) == ("Mirja", "Eino", "050 2", 3)
    assert [one.version for one in await harness.emitted_events(SiteStated)] == [1, 3]


async def test_both_changed_to_the_same_is_no_conflict(harness: Harness) -> None:
    await change_here(harness, contact_phone="050 2")
    done, bad = await harness.import_file("sites", row(phone="050 2"))
    assert (counts(done), bad) == ((0, 1, 0), [])
    # The file's value is remembered: its next one is news.
    done, bad = await harness.import_file("sites", row(phone="060 3"))
    assert (counts(done), bad) == ((1, 0, 0), [])


async def test_the_lead_decides_and_the_row_is_a_conflict_with_both_values_once(harness: Harness) -> None:
    await change_here(harness, billed_to="Täällä", contact_phone="050 2")
    changed = row(billed_to="Tiedosto", phone="060 3")
    done, bad = await harness.import_file("sites", changed)
    assert (counts(done), conflicts(bad)) == (
        (0, 0, 1),
        [
            (
                "billed_to, contact_phone",
                "File: Tiedosto; 060 3. Here: Täällä; 050 2. Now: Tiedosto; 050 2.",
            )
        ],
    )
    assert await present(harness) == ("Tiedosto", "Aino", "050 2", 3)
    done, bad = await harness.import_file("sites", changed)
    assert (counts(done), bad) == ((0, 1, 0), [])


@pytest.mark.parametrize(
    ("changed_at", "noted", "valid"),
    [
        ("2026-03-04T07:59:59Z", True, "Täällä"),
        ("2026-03-04T08:00:01Z", True, "Tiedosto"),
        ("2026-03-04T08:00:01Z", False, "Täällä"),
        ("", True, "Täällä"),
    ],
)
async def test_the_later_change_stands_where_both_times_are_known(
    harness: Harness, changed_at: str, noted: bool, valid: str
) -> None:
    assert harness.clock.now() == dt.datetime(2026, 3, 4, 8, tzinfo=dt.UTC)
    await change_here(harness, contact_name="Täällä")
    if not noted:
        await harness.pool.execute("UPDATE chassis.imported_values SET noted = '{}'")
    _, bad = await harness.import_file("sites", row(name="Tiedosto", changed_at=changed_at))
    assert conflicts(bad) == [("contact_name", f"File: Tiedosto. Here: Täällä. Now: {valid}.")]
    assert (await present(harness))[1] == valid


async def test_a_record_that_was_made_here_conflicts_where_the_file_differs(harness: Harness) -> None:
    await harness.pool.execute("DELETE FROM chassis.imported_values")
    _, bad = await harness.import_file("sites", row(phone="060 3"))
    assert conflicts(bad) == [("contact_phone", "File: 060 3. Here: 040 1. Now: 040 1.")]


def test_leads_are_a_setting_that_names_fields() -> None:
    settings = load(
        ServiceSettings,
        "sites",
        {
            "KIERTO_LISTEN": "127.0.0.1:1",
            "KIERTO_DATABASE_URL": "postgresql://x",
            "KIERTO_KAFKA": "127.0.0.1:1",
            "KIERTO_IDENTITY_URL": "http://127.0.0.1:1",
            "KIERTO_SITES_IMPORT_LEADS": '{"sites": {"contact_phone": "PORTAL"}, "containers": {"colour": "LATER"}}',
        },
    )
    assert leads_of(settings, "sites", SiteFacts) == {"contact_phone": FieldLead.PORTAL}
    with pytest.raises(InvalidSettings, match="colour"):
        leads_of(settings, "containers", SiteFacts)
