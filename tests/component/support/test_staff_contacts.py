"""S2, practice 33: calls and letters that the staff write down, and the contact of a ticket, read by need."""

from typing import Any

import msgspec
import pytest

from services.access.caller import Caller
from services.chassis.problems import NotReadyYet
from services.contracts.identity.people import Contact, Language
from services.contracts.permission import SubjectKind
from services.contracts.sites import Address, Person, SiteContact
from services.contracts.support.tickets import (
    Channel,
    ContactLogged,
    ContactSource,
    LogContact,
    Ticket,
    TicketContact,
    TicketState,
    TicketSubject,
)
from services.contracts.ticket_requests import Topic
from services.contracts.values import Refusal, malformed, refuse
from services.support.app import SUPPORT
from tests.component.support.forms import Harness, MakeSupport, an_id, form, known_site, member_of, send

ADDRESS = Address(street="Ekokaari 50", postal_code="46860", city="Keltakangas")


@pytest.fixture
async def harness(make_harness: MakeSupport) -> Harness:
    return await make_harness(SUPPORT)


@pytest.fixture
async def staff(harness: Harness) -> Caller:
    return await harness.caller(kind=SubjectKind.STAFF)


def a_call(site: str, key: str = "1", **fields: Any) -> LogContact:
    call = LogContact(
        idempotency_key=key,
        site_id=site,
        channel=Channel.PHONE,
        identified_by="asiakasnumero ja osoite",
        topic=Topic.PICKUP,
        message="Astia jäi tyhjentämättä.",
    )
    return msgspec.structs.replace(call, **fields)


async def logged(harness: Harness, staff: Caller, command: LogContact) -> Ticket:
    answer = await harness.api(staff).log_contact(command)
    assert isinstance(answer, ContactLogged)
    return answer.ticket


async def test_a_call_is_a_ticket_of_the_site_that_its_members_see(harness: Harness, staff: Caller) -> None:
    org = an_id("org")
    site = await known_site(harness, org)
    order = an_id("order")
    harness.channels["orders"].responses = {"sitesOfThings": msgspec.json.encode([site])}
    command = a_call(site, subject=TicketSubject(order_id=order))
    ticket = await logged(harness, staff, command)
    assert (ticket.channel, ticket.state, ticket.by) == (Channel.PHONE, TicketState.NEW, staff.subject_id)
    assert (ticket.order_id, ticket.pickup_id, ticket.agreement_id) == (order, None, None)
    assert await logged(harness, staff, command) == ticket, "a repetition is the same ticket"
    assert await harness.api(await member_of(harness, org)).tickets_by_id([ticket.id]) == [ticket]


@pytest.mark.parametrize("field", ["pickup_id", "order_id", "agreement_id"])
async def test_a_ticket_is_about_a_thing_of_its_own_site(harness: Harness, staff: Caller, field: str) -> None:
    org = an_id("org")
    site, other = await known_site(harness, org), await known_site(harness, org)
    thing = an_id(field.removesuffix("_id"))
    call = a_call(site, subject=TicketSubject(**{field: thing}))
    camel = field.replace("_id", "Id")
    for found in (None, other):
        harness.channels["orders"].responses = {"sitesOfThings": msgspec.json.encode([found])}
        assert await harness.api(staff).log_contact(call) == refuse("NOT_FOUND", "subject", camel)
        form_about = msgspec.structs.replace(form(site), subject=TicketSubject(**{field: thing}))
        member = harness.api(await member_of(harness, org))
        assert await member.send_contact_form(form_about) == refuse("NOT_FOUND", "subject", camel)
    harness.channels["orders"].responses = {"sitesOfThings": (503, b"{}")}
    with pytest.raises(NotReadyYet):
        await harness.api(staff).log_contact(call)
    assert await harness.pool.fetchval("SELECT count(*) FROM tickets") == 0


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"channel": Channel.PORTAL}, malformed("channel", reason="EXAMPLE", example="PHONE")),
        ({"message": " "}, malformed("message", reason="REQUIRED")),
        ({"phone": "soita"}, malformed("phone", reason="EXAMPLE", example="+358401234567")),
        ({"email": "aino"}, malformed("email", reason="EXAMPLE", example="name@example.com")),
        ({"subject": TicketSubject()}, malformed("subject", reason="LEAVE_OUT")),
        (
            {"subject": TicketSubject(order_id="order_1", agreement_id="agreement_1")},
            malformed("subject", reason="LEAVE_OUT"),
        ),
    ],
)
async def test_a_malformed_call_is_refused(
    harness: Harness, staff: Caller, fields: dict[str, Any], problem: object
) -> None:
    site = await known_site(harness, an_id("org"))
    refused = await harness.api(staff).log_contact(a_call(site, **fields))
    assert refused == Refusal(problems=[problem])  # type: ignore[list-item]


def answers(harness: Harness, *, user: Contact | None = None, site: SiteContact | None = None) -> None:
    """Set the answers of identity and sites."""
    identity, sites = harness.identity, harness.channels["sites"]
    identity.responses = {**identity.responses, "contacts": msgspec.json.encode([user])}
    sites.responses = {"siteContacts": msgspec.json.encode([site])}


async def test_the_contact_is_the_users_the_tickets_or_the_sites(harness: Harness, staff: Caller) -> None:
    org = an_id("org")
    site = await known_site(harness, org)
    customer = await member_of(harness, org)
    user = Contact(user_id=customer.subject_id, username="mirja", email="mirja@example.fi", language=Language.FI)
    person = Person(name="Aino Aalto", phone="040 123", email="aino@example.fi")
    of_site = SiteContact(site_id=site, address=ADDRESS, contact_person=person)
    api = harness.api(staff)

    written = await send(harness, customer, form(site))
    called = await logged(harness, staff, a_call(site, "1"))
    told = await logged(harness, staff, a_call(site, "2", name="Veli", phone="+358401234567"))
    answers(harness, user=user, site=of_site)
    assert await api.ticket_contact(written.id) == TicketContact(
        source=ContactSource.USER, name="mirja", email="mirja@example.fi", phone=None
    )
    assert await api.ticket_contact(called.id) == TicketContact(
        source=ContactSource.SITE, name="Aino Aalto", email="aino@example.fi", phone="040 123"
    )
    assert await api.ticket_contact(told.id) == TicketContact(
        source=ContactSource.TICKET, name="Veli", email=None, phone="+358401234567"
    )
    answers(harness, site=of_site)
    deleted = await api.ticket_contact(written.id)
    assert isinstance(deleted, TicketContact)
    assert deleted.source is ContactSource.SITE, "the user was deleted"
    for nobody in (None, SiteContact(site_id=site, address=ADDRESS, contact_person=None)):
        answers(harness, site=nobody)
        assert await api.ticket_contact(called.id) == refuse("NO_CONTACT", "ticketId")


async def test_each_read_of_a_contact_is_in_the_audit_log(harness: Harness, staff: Caller) -> None:
    org = an_id("org")
    ticket = await logged(harness, staff, a_call(await known_site(harness, org)))
    answers(harness)
    for _ in range(2):
        await harness.api(staff).ticket_contact(ticket.id)
    rows = await harness.pool.fetch("SELECT actor, action, subject, organisation_id FROM chassis.audit")
    assert [tuple(map(str, row))[:3] for row in rows] == [(staff.subject_id, "TICKET_CONTACT_READ", ticket.id)] * 2
