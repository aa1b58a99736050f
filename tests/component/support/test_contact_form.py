"""S1: the contact form opens a ticket once, for callers that reach the site."""

import asyncio
import datetime as dt

import msgspec
import pytest

from services.chassis.problems import Forbidden
from services.contracts.identity.events import Grant
from services.contracts.permission import Role, SubjectKind
from services.contracts.support.events import TicketOpened
from services.contracts.support.tickets import ContactPreference, TicketState
from services.contracts.ticket_requests import Topic
from services.contracts.values import Refusal, malformed, refuse
from services.support.app import SUPPORT
from tests.component.support.forms import MakeSupport, an_id, form, known_site, member_of, send

NOT_FOUND = refuse("NOT_FOUND", "siteId")
NOT_READY_YET = refuse("NOT_READY_YET", "siteId", retryable=True)


async def test_a_message_opens_a_ticket_that_is_announced_without_its_text(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    site = await known_site(harness, org)
    ticket = await send(harness, await member_of(harness, org), form(site, "  Astiaa ei tyhjennetty.\r\n"))
    assert (ticket.number, ticket.state, ticket.topic) == ("T-2026-000001", TicketState.NEW, Topic.PICKUP)
    assert (ticket.organisation_id, ticket.site_id) == (org, site)
    assert (ticket.message, ticket.opened_at) == ("Astiaa ei tyhjennetty.", harness.clock.now())
    assert await harness.emitted_events() == [
        TicketOpened(ticket_id=ticket.id, organisation_id=org, site_id=site, topic=Topic.PICKUP, version=1)
    ]


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_may_write(make_harness: MakeSupport, role: Role) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    await send(harness, await member_of(harness, org, role=role), form(await known_site(harness, org)))


async def test_staff_may_write_about_any_site(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    await send(harness, await harness.caller(kind=SubjectKind.STAFF), form(await known_site(harness, an_id("org"))))


async def test_partners_may_not_write(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    partner = await harness.caller(Grant(organisation_id=None), kind=SubjectKind.PARTNER, scopes=["orders:read"])
    site = await known_site(harness, an_id("org"))
    with pytest.raises(Forbidden):
        await harness.api(partner).send_contact_form(form(site))


async def test_a_site_out_of_reach_is_not_found(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org, other = an_id("org"), an_id("org")
    site, elsewhere = await known_site(harness, org), await known_site(harness, other)
    over = Grant(organisation_id=org, role=Role.ADMIN, until=dt.date(2026, 3, 3))
    for caller, about in (
        (await member_of(harness, org), elsewhere),
        (await member_of(harness, org, [an_id("site")]), site),
        (await harness.caller(over), site),
        (await harness.caller(), site),
        (await member_of(harness, org), "site_not an id"),
        (await member_of(harness, org), an_id("org")),
    ):
        assert await harness.api(caller).send_contact_form(form(about)) == NOT_FOUND
    assert await harness.emitted_events() == []
    assert await harness.pool.fetchval("SELECT count(*) FROM message_causes") == 0


async def test_a_site_that_may_not_be_copied_yet_is_not_ready_yet(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org, site = an_id("org"), an_id("site")
    everywhere, here = await member_of(harness, org), await member_of(harness, org, [site])
    assert await harness.api(everywhere).send_contact_form(form(site)) == NOT_READY_YET
    assert await harness.api(here).send_contact_form(form(site)) == NOT_READY_YET
    elsewhere = await member_of(harness, org, [an_id("site")])
    assert await harness.api(elsewhere).send_contact_form(form(site)) == NOT_FOUND

    await known_site(harness, org, site)
    await send(harness, everywhere, form(site))


async def test_a_site_belongs_to_the_organisation_of_its_newest_version(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    before, now = an_id("org"), an_id("org")
    site = await known_site(harness, now, version=2)
    await known_site(harness, before, site, version=1)
    assert (await send(harness, await member_of(harness, now), form(site))).organisation_id == now
    assert await harness.api(await member_of(harness, before)).send_contact_form(form(site)) == NOT_FOUND


async def test_every_problem_of_the_form_is_named(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    site = await known_site(harness, org)
    command = msgspec.structs.replace(form(site, " "), contact_preference=ContactPreference.PHONE, phone="soita")
    assert await harness.api(await member_of(harness, org)).send_contact_form(command) == Refusal(
        problems=[
            malformed("message", reason="REQUIRED"),
            malformed("phone", reason="EXAMPLE", example="+358401234567"),
        ]
    )


@pytest.mark.parametrize("key", ["", "k" * 201, "a\x00b"])
async def test_a_malformed_key_is_refused(make_harness: MakeSupport, key: str) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    refused = await harness.api(await member_of(harness, org)).send_contact_form(
        form(await known_site(harness, org), key=key)
    )
    assert isinstance(refused, Refusal)
    assert [(problem.code, problem.path) for problem in refused.problems] == [("MALFORMED", ["idempotencyKey"])]


async def test_the_same_form_again_is_the_same_ticket(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    site, caller = await known_site(harness, org), await member_of(harness, org)
    first = await send(harness, caller, form(site))
    harness.clock.move(hours=1)
    assert await send(harness, caller, form(site)) == first
    assert len(await harness.emitted_events()) == 1
    conflict = await harness.api(caller).send_contact_form(form(site, "Muuta"))
    assert conflict == refuse("IDEMPOTENCY_CONFLICT", "idempotencyKey")
    assert (await send(harness, await member_of(harness, org), form(site))).id != first.id, "keys are of one caller"


async def test_a_kept_answer_has_the_tickets_id_and_shows_the_ticket_as_it_is_now(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    site, caller = await known_site(harness, org), await member_of(harness, org)
    first = await send(harness, caller, form(site))
    (kept,) = await harness.pool.fetch("SELECT result_type, result_ids FROM chassis.answers")
    assert tuple(kept) == ("ContactFormReceived", [first.id])
    await harness.pool.execute("UPDATE tickets SET state = 'CLOSED'")
    assert (await send(harness, caller, form(site))).state is TicketState.CLOSED
    await harness.pool.execute("DELETE FROM message_causes")
    await harness.pool.execute("DELETE FROM ticket_entries")
    await harness.pool.execute("DELETE FROM tickets")
    assert await harness.api(caller).send_contact_form(form(site)) == refuse("NOT_FOUND", "idempotencyKey")


async def test_ten_at_once_are_one_ticket_with_one_receipt(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    site, caller = await known_site(harness, org), await member_of(harness, org)
    tickets = await asyncio.gather(*(send(harness, caller, form(site)) for _ in range(10)))
    assert len({ticket.id for ticket in tickets}) == 1
    assert len(await harness.emitted_events()) == 1
    assert await harness.pool.fetchval("SELECT count(*) FROM message_causes") == 1


async def test_a_first_answer_is_not_repeated_after_access_was_revoked(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    site = await known_site(harness, org)
    caller = await harness.caller(Grant(organisation_id=org, role=Role.EDITOR, until=dt.date(2026, 3, 4)))
    await send(harness, caller, form(site))
    harness.clock.move(days=1)
    assert await harness.api(caller).send_contact_form(form(site)) == NOT_FOUND


async def test_tickets_are_numbered_by_the_operators_year(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    site, caller = await known_site(harness, org), await member_of(harness, org)
    numbers = [(await send(harness, caller, form(site, key=str(count)))).number for count in range(2)]
    harness.clock.instant = dt.datetime(2026, 12, 31, 22, 30, tzinfo=dt.UTC)  # 0:30 in Helsinki
    numbers.append((await send(harness, caller, form(site, key="new year"))).number)
    assert numbers == ["T-2026-000001", "T-2026-000002", "T-2027-000003"]


async def test_a_form_without_a_site_is_about_the_only_one_that_the_caller_reaches(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    site, second = await known_site(harness, org), await known_site(harness, org)
    await known_site(harness, an_id("org"))
    limited, everywhere = await member_of(harness, org, [site]), await member_of(harness, org)
    assert (await send(harness, limited, form(None))).site_id == site
    required = Refusal(problems=[malformed("siteId", reason="REQUIRED")])
    for caller in (everywhere, await member_of(harness, an_id("org")), await harness.caller(kind=SubjectKind.STAFF)):
        assert await harness.api(caller).send_contact_form(form(None)) == required
    assert (await send(harness, everywhere, form(second))).site_id == second
