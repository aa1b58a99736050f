"""Announcements: owners state their entities again, in full and with their versions, as when they changed."""

import asyncio
import uuid
from typing import Any

import msgspec
import pytest

from services.chassis.events.copies import announcement
from services.chassis.events.copies.announcement import Announcement, announce
from services.chassis.ids import new_uuid, write_id
from services.contracts.declare import Event, event_type_of
from services.contracts.identity.events import AccessStated, OrganisationStated
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.identity.partners import SCOPES, CreatePartner, PartnerCreated
from services.contracts.identity.people import Language
from services.contracts.orders.events import PickupRecorded, PickupStated
from services.contracts.orders.reports import PickupsReported, ReportKind
from services.contracts.permission import Role, SubjectKind
from services.contracts.sites import ContainerStated, SiteStated
from services.contracts.stats import InvoiceStated
from services.hosting.blueprint import Blueprint
from services.identity.app import IDENTITY
from services.identity.domain.access import MembershipRecord, UserRecord
from services.identity.settings import IdentitySettings
from services.identity.usecases.create_partner import create_partner
from services.identity.usecases.state_access import state_access
from services.orders.app import ORDERS
from services.orders.store.transaction import OrdersTransaction
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.component.orders.scenario import AGREEMENTS, OrdersScenario, report
from tests.support.fixtures import MakeHarness
from tests.support.owner import execute_as_owner
from tests.support.polling import until
from tests.support.service_harness import ServiceHarness

IS_LOCK_AWAITED = """
    SELECT true FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
SERVICES = (IDENTITY, SITES, ORDERS, STATS, SUPPORT)
ORGANISATIONS = "customer_number,name,kind,business_id\n" + "".join(
    f"62-000000{number}-00,Asiakas {number},BUSINESS,\n" for number in range(5)
)
SITE_ROWS = (
    "site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to,"
    "contact_name,contact_phone,contact_email\n"
    + "".join(f"{number},62-0,Katu {number},45100,KOUVOLA,KOUVOLA,KESKUSTA,HOUSE,1,A,,,\n" for number in range(5))
)
CONTAINER_ROWS = "container_number,site_number,fraction,litres,count\n" + "".join(
    f"C{number},{number % 5},RESIDUAL,360,1\n" for number in range(7)
)
INVOICE_ROWS = "invoice_number,customer_number,invoice_date,due_date,period,net_minor,vat_rate,currency\n" + "".join(
    f"{number},62-0,2026-01-31,2026-02-28,2026/1,1000,255,EUR\n" for number in range(5)
)


def all_announcements() -> list[tuple[Blueprint[Any, Any], Announcement[Any]]]:
    return [(blueprint, one) for blueprint in SERVICES for one in blueprint.announcements]


@pytest.mark.parametrize(("blueprint", "one"), all_announcements(), ids=lambda value: getattr(value, "thing", ""))
def test_an_announcement_is_an_event_that_partners_do_not_see(
    blueprint: Blueprint[Any, Any], one: Announcement[Any]
) -> None:
    declared = event_type_of(one.event)
    assert declared.service == blueprint.name
    assert declared.name.endswith(".stated")
    assert not declared.public
    assert "version" in {field.name for field in msgspec.structs.fields(one.event)}


def test_every_copy_has_an_owner_that_announces_and_a_handler_that_listens() -> None:
    owners = {blueprint.name: blueprint for blueprint in SERVICES}
    for keeper in SERVICES:
        for copy in keeper.copies:
            assert copy.event in {one.event for one in owners[copy.owner].announcements}
            assert copy.owner in (*keeper.subscribes_to, keeper.name)


async def announce_again(harness: ServiceHarness[Any, Any], thing: str, page: int = 2) -> list[Event]:
    """Announce an entity, check the count, and return the emitted events."""
    (one,) = [one for one in harness.blueprint.announcements if one.entity == thing]
    before = len(await harness.emitted_events())
    async with harness.pool.acquire() as connection:
        expected = await announcement.count(connection, one)
    pages = [count async for count in announce(harness.work, one, page)]
    assert sum(pages) == expected
    assert all(count == page for count in pages[:-1])
    return (await harness.emitted_events())[before:]


async def newest(harness: ServiceHarness[Any, Any], kind: type[Event], key: str) -> list[Event]:
    """Return the last event of each entity, by id."""
    last = {getattr(event, key): event for event in await harness.emitted_events(kind)}
    return [last[entity_id] for entity_id in sorted(last)]


async def test_organisations(make_harness: MakeHarness[Any, Any], settings: IdentitySettings) -> None:
    harness = await make_harness(IDENTITY)
    harness.settings = settings
    await harness.import_file("organisations", ORGANISATIONS)
    await harness.import_file("organisations", ORGANISATIONS.replace("Asiakas 1", "Uusi nimi"))
    last = await newest(harness, OrganisationStated, "organisation_id")
    assert {event.version for event in last if isinstance(event, OrganisationStated)} == {1, 2}
    assert await announce_again(harness, "organisation") == last
    assert await announce_again(harness, "organisation", page=5) == last, "a second time, and with a full last page"


async def test_access_of_users_and_partners(make_harness: MakeHarness[Any, Any], settings: IdentitySettings) -> None:
    harness = await make_harness(IDENTITY)
    harness.settings = settings
    await harness.import_file("organisations", ORGANISATIONS)
    organisations = [row["id"] for row in await harness.pool.fetch("SELECT id FROM organisations ORDER BY id")]
    for number in range(3):
        async with harness.work() as tx:
            member = MembershipRecord(organisation_id=organisations[number], role=Role.EDITOR, billing=number == 1)
            user = UserRecord(
                id=new_uuid(),
                username=f"käyttäjä {number}",
                email="a@example.fi",
                language=Language.FI,
                password_hash="",
                staff=number == 2,
                memberships=[] if number == 2 else [member],
            )
            assert await tx.users.add(user, tx.now)
            await state_access(tx, user)
    for name in ("kuljettajat", "suunnittelu"):
        command = CreatePartner(idempotency_key=name, name=name, scopes=[*SCOPES], all_organisations=True)
        made = await create_partner(harness.work, b"pepper", write_id("user", new_uuid()), command)
        assert isinstance(made, PartnerCreated)
    last = await newest(harness, AccessStated, "subject_id")
    users = await announce_again(harness, "user")
    partners = await announce_again(harness, "partner")
    assert [*partners, *users] == last
    assert {event.kind for event in users if isinstance(event, AccessStated)} == {SubjectKind.USER, SubjectKind.STAFF}

    async def own_copy() -> list[tuple[Any, ...]]:
        rows = await harness.pool.fetch("SELECT * FROM access.subjects LEFT JOIN access.grants USING (subject_id)")
        return sorted((tuple(row) for row in rows), key=str)

    kept = await own_copy()
    await execute_as_owner(harness.pool, "TRUNCATE access.subjects CASCADE")
    await announce_again(harness, "user")
    await announce_again(harness, "partner")
    assert await own_copy() == kept, "identity's own copy follows at once"


async def test_sites_and_containers(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SITES)
    await harness.receive(organisation())
    for kind, text in (("sites", SITE_ROWS), ("containers", CONTAINER_ROWS)):
        done, bad = await harness.import_file(kind, text)
        assert (done.failed, bad) == (0, [])
    await harness.import_file("containers", CONTAINER_ROWS.replace("360", "240"))
    assert await announce_again(harness, "site") == await newest(harness, SiteStated, "site_id")
    assert await announce_again(harness, "container") == await newest(harness, ContainerStated, "container_id")


async def test_invoices(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(STATS)
    await harness.receive(organisation())
    await harness.import_file("invoices", INVOICE_ROWS)
    assert await announce_again(harness, "invoice") == await newest(harness, InvoiceStated, "invoice_id")


async def test_pickups_are_stated_as_they_were_recorded_after_their_agreement_changed(
    scenario: OrdersScenario,
) -> None:
    driver = scenario.harness.api(await scenario.partner("pickups:report"))
    days = ("2026-03-05", "2026-02-19", "2026-02-05")
    reports = [
        report(ReportKind.EMPTIED, report_id=date, agreement_id=scenario.id("A1"), date=_day(date), grams=1_000)
        for date in days
    ]
    answer = await driver.report_pickups(reports)
    assert isinstance(answer, PickupsReported)
    assert all(outcome.accepted for outcome in answer.outcomes), answer
    again = [report(ReportKind.FAILED, agreement_id=scenario.id("A1"), date="5.3.", at="2026-03-04T07:30:00+00:00")]
    assert isinstance(await driver.report_pickups(again), PickupsReported)
    done, _ = await scenario.harness.import_file("agreements", AGREEMENTS.replace("A1,50,C1,R360", "A1,50,C1,B240"))
    assert done.changed == 1

    recorded = await newest(scenario.harness, PickupRecorded, "pickup_id")
    stated = await announce_again(scenario.harness, "pickup")
    assert all(isinstance(event, PickupStated) for event in stated)
    assert sorted(map(msgspec.to_builtins, stated), key=str) == sorted(map(msgspec.to_builtins, recorded), key=str)


async def test_an_entity_that_changes_meanwhile_is_stated_before_or_after(
    make_harness: MakeHarness[Any, Any],
) -> None:
    harness = await make_harness(SITES)
    await harness.receive(organisation())
    await harness.import_file("sites", SITE_ROWS)
    (one,) = [one for one in SITES.announcements if one.entity == "site"]

    held = asyncio.Event()
    go_on = asyncio.Event()

    async def state_and_wait(tx: Any, after: uuid.UUID, limit: int) -> Any:
        stated = await one.emit_page(tx, after, limit)
        held.set()
        await go_on.wait()
        return stated

    waiting = msgspec.structs.replace(one, emit_page=state_and_wait)

    async def run() -> None:
        async for _ in announce(harness.work, waiting):
            pass

    announced = asyncio.create_task(run())
    await held.wait()
    changing = asyncio.create_task(harness.import_file("sites", SITE_ROWS.replace("HOUSE,1,", "HOUSE,2,")))
    await until(lambda: harness.pool.fetchval(IS_LOCK_AWAITED))
    assert not changing.done(), "the change waits for the announcement"
    go_on.set()
    await announced
    await changing
    events = await harness.emitted_events(SiteStated)
    assert [event.version for event in events] == [1] * 5 + [1] * 5 + [2] * 5, "the older version is stated first"


async def test_an_empty_table_has_no_announcement(make_harness: MakeHarness[OrdersTransaction, Any]) -> None:
    harness = await make_harness(ORDERS)
    assert await announce_again(harness, "pickup") == []


async def test_an_announcement_may_be_interrupted(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SITES)
    await harness.receive(organisation())
    await harness.import_file("sites", SITE_ROWS)
    before = len(await harness.emitted_events())
    (one,) = [one for one in SITES.announcements if one.entity == "site"]
    pages = announce(harness.work, one, 2)
    assert await anext(pages) == 2
    await pages.aclose()
    assert len(await harness.emitted_events()) == before + 2, "the committed page stays"


def organisation() -> OrganisationStated:
    return OrganisationStated(
        organisation_id=write_id("org", new_uuid()), customer_number="62-0", kind=OrganisationKind.BUSINESS, version=1
    )


def _day(date: str) -> str:
    _, month, day = date.split("-")
    return f"{int(day)}.{int(month)}."
