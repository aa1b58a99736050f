"""Export and erasure walk the declared columns; imports and stated events leave an erased thing erased."""

import datetime as dt
from typing import Any

import msgspec

from services.chassis.db.sensitive import erase_person, export_person
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.identity.accounts import ChangeEmail
from services.contracts.identity.events import AccessStated, Grant, OrganisationStated
from services.contracts.identity.organisations import OrganisationKind
from services.contracts.orders.reports import PickupsReported, ReportKind
from services.contracts.permission import Role, SubjectKind
from services.contracts.sites import SiteFilter
from services.contracts.support.tickets import ContactPreference
from services.contracts.values import Page
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.component.identity import actions
from tests.component.orders.scenario import OrdersScenario, report
from tests.component.support.forms import form, known_site, member_of, send
from tests.support.fixtures import MakeHarness
from tests.support.owner import owner_of
from tests.support.service_harness import ServiceHarness

Harness = ServiceHarness[Any, Any]

SITE = """\
site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to,contact_name
50,62-0000001-00,Koivukatu 1,45100,KOUVOLA,KOUVOLA,KESKUSTA,HOUSE,1,Aino Alatalo,Eino Alatalo
51,62-0000002-00,Koivukatu 2,45100,KOUVOLA,KOUVOLA,KESKUSTA,HOUSE,1,Kelta Oy,
"""
INVOICE = """\
invoice_number,customer_number,invoice_date,due_date,period,net_minor,vat_rate,currency
1,62-0000001-00,2026-01-31,2026-02-28,2026/1,1000,255,EUR
"""


async def export(harness: Harness, person_id: str) -> dict[str, list[dict[str, Any]]]:
    async with harness.pool.acquire() as connection:
        return await export_person(connection, harness.blueprint.all_sensitive, person_id)


async def erase(harness: Harness, person_id: str, key: str | None = None) -> None:
    async with owner_of(harness.pool) as owner, owner.transaction():
        await erase_person(owner, harness.blueprint.all_sensitive, person_id, key)


def organisation(organisation_id: str, number: str, version: int = 1) -> OrganisationStated:
    return OrganisationStated(
        organisation_id=organisation_id, customer_number=number, kind=OrganisationKind.HOUSEHOLD, version=version
    )


def error_codes(bad: list[Any]) -> list[tuple[int, str, str]]:
    return [(row.line, row.field, row.code) for row in bad]


async def test_a_user_is_exported_without_secrets_and_erased_with_everything_that_is_theirs(
    identity: actions.Harness,
) -> None:
    await actions.customers(identity)
    mirja = await actions.registered(identity)
    other = await actions.registered(identity, username="toinen", email="toinen@example.com")
    session = await actions.signed_in(identity)
    change = ChangeEmail(idempotency_key="one", version=1, email="uusi@example.com")
    await identity.api(await actions.caller_of(identity, session.access_token)).change_email(change)
    assert await export(identity, mirja) == {
        "users": [
            {
                "username": "mirja@example.com",
                "username_key": "mirja@example.com",
                "look_alike_key": "mirja@example.com",
                "email": "mirja@example.com",
            }
        ],
        "email_changes": [{"email": "uusi@example.com"}],
    }
    await erase(identity, mirja)
    assert await export(identity, mirja) == {}
    assert (await export(identity, other))["users"][0]["username"] == "toinen"
    for table in ("users", "memberships", "access_requests", "sessions", "links", "email_changes"):
        column = "id" if table == "users" else "user_id"
        left = {row[column] for row in await identity.pool.fetch(f"SELECT {column} FROM {table}")}
        assert left <= {read_id("user", other)}, table


async def test_an_organisations_name_goes_and_no_file_brings_it_back(identity: actions.Harness) -> None:
    ids = await actions.customers(identity)
    exported = await export(identity, ids[actions.MIRJA])
    assert exported["organisations"] == [
        {
            "name": "AS OY MIRJA",
            "sort_name": "as oy mirja",
            "search": " as oy mirja 62 0000001 00",
            "business_id": "1234567-8",
        }
    ]
    assert "AS OY MIRJA" in exported["chassis.imported_values"][0]["fields"]
    await erase(identity, ids[actions.MIRJA], actions.MIRJA)
    done, bad = await identity.import_file("organisations", actions.CUSTOMERS)
    assert (done.changed, done.unchanged, done.failed) == (0, 1, 1)
    assert error_codes(bad) == [(2, "customer_number", "ERASED")]
    assert bad[0].reason == "The customer of this number was erased."
    exported = await export(identity, ids[actions.MIRJA])
    assert exported["organisations"] == [{"name": "", "sort_name": "", "search": " 62 0000001 00", "business_id": None}]
    assert "MIRJA" not in str(exported)
    # A repetition without the key does not forget it.
    await erase(identity, ids[actions.MIRJA])
    _, bad = await identity.import_file("organisations", actions.CUSTOMERS)
    assert error_codes(bad) == [(2, "customer_number", "ERASED")]


async def test_a_site_keeps_its_address_and_loses_the_names_of_its_erased_customer(
    make_harness: MakeHarness[Any, Any],
) -> None:
    harness = await make_harness(SITES)
    aino, kelta = write_id("org", new_uuid()), write_id("org", new_uuid())
    await harness.receive(organisation(aino, "62-0000001-00"), organisation(kelta, "62-0000002-00"))
    await harness.import_file("sites", SITE)
    (exported,) = (await export(harness, aino))["sites"]
    assert (exported["street"], exported["billed_to"], exported["contact_name"]) == (
        "Koivukatu 1",
        "Aino Alatalo",
        "Eino Alatalo",
    )
    await erase(harness, aino, "62-0000001-00")
    everything = await export(harness, aino)
    (erased,) = everything["sites"]
    assert (erased["street"], erased["billed_to"], erased["contact_name"]) == ("Koivukatu 1", "", None)
    assert "alatalo" not in str(everything).lower()
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    assert [edge.node.site_number for edge in (await staff.sites(Page(), SiteFilter(search="koivukatu 1"))).edges] == [
        "50"
    ]
    assert (await staff.sites(Page(), SiteFilter(search="koivukatu alatalo"))).edges == []
    done, bad = await harness.import_file("sites", SITE)
    assert (done.unchanged, error_codes(bad)) == (1, [(2, "customer_number", "ERASED")])
    # The next holder's row is imported as any other.
    done, bad = await harness.import_file("sites", SITE.replace("62-0000001-00", "62-0000002-00"))
    assert (done.changed, bad) == (1, [])
    found = await staff.sites(Page(), SiteFilter(search="koivukatu 1 62-0000002-00"))
    assert [edge.node.site_number for edge in found.edges] == ["50"]


async def test_reasons_of_failed_pickups_go_with_their_customer(scenario: OrdersScenario) -> None:
    driver = scenario.harness.api(await scenario.partner("pickups:report", everywhere=True))
    reports = [
        report(ReportKind.FAILED, agreement_id=scenario.id(number), date=date, reason=reason)
        for number, date, reason in (("A1", "5.3.", "Aino puuttui"), ("A4", "12.3.", "Toinen puuttui"))
    ]
    answer = await driver.report_pickups(
        [msgspec.structs.replace(one, at=dt.datetime(2026, 3, 4, 7, tzinfo=dt.UTC)) for one in reports]
    )
    assert isinstance(answer, PickupsReported)
    assert [one.accepted for one in answer.outcomes] == [True, True], answer
    person, other = scenario.organisation_id, scenario.other_organisation_id
    assert await export(scenario.harness, person) == {
        "reports": [{"reason": "Aino puuttui"}],
        "pickups": [{"failure": "Aino puuttui"}],
    }
    await erase(scenario.harness, person)
    assert await export(scenario.harness, person) == {"reports": [{"reason": None}], "pickups": [{"failure": None}]}
    assert (await export(scenario.harness, other))["pickups"] == [{"failure": "Toinen puuttui"}]


async def test_a_users_messages_go_and_their_tickets_stay(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SUPPORT)
    org = write_id("org", new_uuid())
    site = await known_site(harness, org)
    callers = [await member_of(harness, org), await member_of(harness, org)]
    for caller in callers:
        command = msgspec.structs.replace(
            form(site, "Soittakaa Ainolle"), contact_preference=ContactPreference.PHONE, phone="+358401234567"
        )
        await send(harness, caller, command)
    person = callers[0].subject_id
    exported = await export(harness, person)
    assert exported["ticket_entries"] == [{"text": "Soittakaa Ainolle"}]
    assert [one["phone"] for one in exported["ticket_contacts"]] == ["+358401234567"]
    assert "soittakaa ainolle" in exported["tickets"][0]["search"]
    await erase(harness, person)
    assert _left_of_a_ticket(await export(harness, person)) == ("", None, False)
    assert _left_of_a_ticket(await export(harness, callers[1].subject_id)) == (
        "Soittakaa Ainolle",
        "+358401234567",
        True,
    )
    await erase(harness, org)
    assert _left_of_a_ticket(await export(harness, callers[1].subject_id)) == ("", None, False)


def _left_of_a_ticket(exported: dict[str, list[dict[str, Any]]]) -> tuple[str, str | None, bool]:
    """Return the message, the telephone number, and whether the ticket is found by the message."""
    (entry,), (contact,), (ticket,) = (exported[name] for name in ("ticket_entries", "ticket_contacts", "tickets"))
    return entry["text"], contact["phone"], "soittakaa" in ticket["search"]


async def test_a_stated_event_of_an_erased_thing_has_no_effect_and_those_beside_it_have_theirs(
    make_harness: MakeHarness[Any, Any],
) -> None:
    harness = await make_harness(STATS)
    erased, other = write_id("org", new_uuid()), write_id("org", new_uuid())
    user = write_id("user", new_uuid())
    await erase(harness, erased, "62-0000001-00")
    await erase(harness, user)
    grants = [Grant(organisation_id=other, role=Role.VIEWER)]
    stated = AccessStated(subject_id=user, kind=SubjectKind.USER, version=7, active=True, scopes=[], grants=grants)
    await harness.receive_batch(organisation(other, "62-0000002-00"), organisation(erased, "62-0000001-00", 9), stated)
    rows = await harness.pool.fetch("SELECT id FROM organisations")
    assert [write_id("org", row["id"]) for row in rows] == [other]
    assert await harness.pool.fetchval("SELECT count(*) FROM access.subjects") == 0
    assert await harness.pool.fetchval("SELECT count(*) FROM access.grants") == 0
    _, bad = await harness.import_file("invoices", INVOICE)
    assert error_codes(bad) == [(2, "customer_number", "ERASED")]
