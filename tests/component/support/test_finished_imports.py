"""S5: the employee who started an import is told that it has ended."""

import pytest

from services.access.caller import Caller
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.identity.events import IdentityImportFinished
from services.contracts.imports import Import, ImportFinished
from services.contracts.orders.events import OrdersImportFinished
from services.contracts.permission import SubjectKind
from services.contracts.sites import SitesImportFinished
from services.contracts.stats import StatsImportFinished
from services.support.usecases.report_failed_message import fail_cause
from tests.component.support.forms import Harness, an_id, member_of
from tests.component.support.message_sources import FakeOwners, address_of, mails, send_due, states

EVENTS: list[type[ImportFinished]] = [
    IdentityImportFinished,
    SitesImportFinished,
    OrdersImportFinished,
    StatsImportFinished,
]


@pytest.fixture
async def staff(harness: Harness) -> Caller:
    return await harness.caller(kind=SubjectKind.STAFF)


def known_import(
    owners: FakeOwners, state: BulkOperationState = BulkOperationState.DONE, service: str = "sites"
) -> str:
    """Have a service know an import, and return its id."""
    import_id = an_id(f"import_{service}")
    owners.imports[import_id] = Import(
        id=import_id,
        kind="sites",
        state=state,
        total=1204,
        done=1204,
        succeeded=1203,
        failed=1,
        file_name="sites.csv",
        added=1203,
        changed=0,
        unchanged=0,
    )
    return import_id


@pytest.mark.parametrize("kind", EVENTS)
async def test_the_employee_is_told_how_it_ended(
    harness: Harness, owners: FakeOwners, staff: Caller, kind: type[ImportFinished]
) -> None:
    service = kind.__name__.removesuffix("ImportFinished").lower()
    import_id = known_import(owners, service=service)
    await harness.caller(kind=SubjectKind.STAFF)
    event = kind(import_id=import_id, state=BulkOperationState.DONE, starter_id=staff.subject_id)
    await harness.receive(event, event)
    await send_due(harness, owners)
    (mail,) = await mails(harness)
    assert (mail["recipient"], mail["subject"]) == (address_of(staff.subject_id), "Tuonti on valmis")
    assert "Tiedosto: sites.csv\nRivejä käsitelty: 1\xa0204\nVirheellisiä rivejä: 1\n" in mail["text"]
    assert owners.requested == [import_id, staff.subject_id]


async def test_an_import_that_failed_is_told_and_one_that_was_cancelled_is_not(
    harness: Harness, owners: FakeOwners, staff: Caller
) -> None:
    for state in (BulkOperationState.FAILED, BulkOperationState.CANCELLED):
        import_id = known_import(owners, state)
        await harness.receive(SitesImportFinished(import_id=import_id, state=state, starter_id=staff.subject_id))
    await send_due(harness, owners)
    assert [mail["subject"] for mail in await mails(harness)] == ["Tuonti keskeytyi virheeseen"]


async def test_nobody_is_told_who_is_not_of_the_staff_any_more(
    harness: Harness, owners: FakeOwners, staff: Caller
) -> None:
    await harness.pool.execute("UPDATE access.subjects SET active = false")
    customer = await member_of(harness, an_id("org"))
    for starter in (staff, customer):
        await harness.receive(
            SitesImportFinished(
                import_id=known_import(owners), state=BulkOperationState.DONE, starter_id=starter.subject_id
            )
        )
    await send_due(harness, owners)
    assert (await mails(harness), [state for _, state in await states(harness)]) == ([], ["TOLD", "TOLD"])


async def test_an_import_that_is_not_known_any_more_is_not_told(
    harness: Harness, owners: FakeOwners, staff: Caller
) -> None:
    event = SitesImportFinished(
        import_id=an_id("import_sites"), state=BulkOperationState.DONE, starter_id=staff.subject_id
    )
    await harness.receive(event)
    await send_due(harness, owners)
    assert await states(harness) == [("IMPORT_FINISHED", "OBSOLETE")]


async def test_a_failure_names_the_import(harness: Harness, owners: FakeOwners, staff: Caller) -> None:
    import_id = known_import(owners)
    await harness.receive(
        SitesImportFinished(import_id=import_id, state=BulkOperationState.DONE, starter_id=staff.subject_id)
    )
    harness.clock.move(days=1)
    cause = await harness.pool.fetchval("SELECT id FROM message_causes")
    assert await fail_cause(harness.work, owners.sources.language, cause)
    assert import_id in await harness.pool.fetchval("SELECT text FROM ticket_entries")


async def test_staff_alone_choose_about_it(harness: Harness, staff: Caller) -> None:
    for caller, chosen in ((staff, True), (await member_of(harness, an_id("org")), False)):
        kinds = {choice.kind.name for choice in await harness.api(caller).message_choices()}
        assert ("IMPORT_FINISHED" in kinds) is chosen
