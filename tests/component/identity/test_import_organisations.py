"""I17: staff import customers from the ERP."""

import pytest

from services.access.caller import Caller
from services.chassis.problems import Forbidden
from services.contracts.identity.events import OrganisationStated
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.permission import SubjectKind
from tests.component.identity.actions import CUSTOMERS, KELTA, MIRJA, Harness, service


async def test_customers_are_imported_and_announced_without_their_names(harness: Harness) -> None:
    done, bad = await harness.import_file("organisations", CUSTOMERS)
    assert (done.added, bad) == (2, [])
    mirja, kelta = await harness.emitted_events(OrganisationStated)
    assert (mirja.customer_number, mirja.kind, mirja.version) == (MIRJA, OrganisationKind.HOUSING_COMPANY, 1)
    assert (kelta.customer_number, kelta.kind) == (KELTA, OrganisationKind.HOUSEHOLD)


async def test_the_same_file_again_changes_nothing(harness: Harness) -> None:
    await harness.import_file("organisations", CUSTOMERS)
    done, _ = await harness.import_file("organisations", CUSTOMERS)
    assert (done.added, done.changed, done.unchanged) == (0, 0, 2)
    assert len(await harness.emitted_events()) == 2


async def test_a_changed_row_is_a_new_version_of_the_same_organisation(harness: Harness) -> None:
    await harness.import_file("organisations", CUSTOMERS)
    done, _ = await harness.import_file("organisations", CUSTOMERS.replace("Ärjylä Kelta", "Kelta Oy"))
    assert (done.changed, done.unchanged) == (1, 1)
    stated = [one for one in await harness.emitted_events(OrganisationStated) if one.customer_number == KELTA]
    assert [one.version for one in stated] == [1, 2]
    assert len({one.organisation_id for one in stated}) == 1


async def test_bad_rows_are_named_and_good_ones_kept(harness: Harness) -> None:
    done, bad = await harness.import_file(
        "organisations", CUSTOMERS + "62-0000003-00,Linna,CASTLE,\n,Nimetön,BUSINESS,\n62-0000004-00,,BUSINESS,\n"
    )
    assert (done.added, done.failed) == (2, 3)
    assert [(row.line, row.field, row.code) for row in bad] == [
        (4, "kind", "MALFORMED"),
        (5, "customer_number", "MISSING"),
        (6, "name", "MISSING"),
    ]


async def test_a_customers_number_has_the_form_that_registration_asks_for(harness: Harness) -> None:
    numbers = ("62-000000-00", "X62-0000003-00", "62-0000003-00 2")
    rows = "".join(f"{number},Nimi,BUSINESS,\n" for number in numbers)
    done, bad = await harness.import_file("organisations", CUSTOMERS + rows)
    assert (done.added, done.failed) == (2, 3)
    assert {(row.field, row.code, row.reason) for row in bad} == {
        ("customer_number", "MALFORMED", "This isn't in the expected form. Expected: 62-0000000-00.")
    }


async def test_imports_are_for_staff_alone(harness: Harness) -> None:
    callers = [Caller(), service(), await harness.caller(), await harness.caller(kind=SubjectKind.PARTNER)]
    for caller in callers:
        with pytest.raises(Forbidden):
            await harness.api(caller).start_import("import_identity_x")
