"""S1: the contact form for those who can't sign in, which tells and denies no account."""

import asyncio
from typing import Any

import msgspec
import pytest

from services.access.caller import Caller
from services.contracts.permission import SubjectKind
from services.contracts.support.events import TicketOpened
from services.contracts.support.tickets import (
    Channel,
    PublicFormReceived,
    SendPublicForm,
    TicketContact,
    TicketState,
)
from services.contracts.ticket_requests import Topic
from services.contracts.values import Page, Problem, Refusal, malformed, refuse
from services.support.app import SUPPORT
from tests.component.support.forms import Harness, MakeSupport, an_id, member_of

GATEWAY = Caller(from_gateway=True, address="192.0.2.1")


@pytest.fixture
async def harness(make_harness: MakeSupport) -> Harness:
    return await make_harness(SUPPORT)


def public_form(key: str = "1", **fields: Any) -> SendPublicForm:
    form = SendPublicForm(
        idempotency_key=key,
        name="Aino Aalto",
        email="aino@example.fi",
        address="Ekokaari 50",
        customer_number="62-0000000-00",
        topic=Topic.OTHER,
        message="En pääse sisään.",
    )
    return msgspec.structs.replace(form, **fields)


async def test_a_form_is_a_ticket_that_the_staff_alone_see(harness: Harness) -> None:
    received = await harness.api(GATEWAY).send_public_form(public_form())
    assert isinstance(received, PublicFormReceived)
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    (edge,) = (await staff.tickets(Page())).edges
    ticket = edge.node
    assert (ticket.number, ticket.channel, ticket.state) == (received.number, Channel.PUBLIC_FORM, TicketState.NEW)
    assert (ticket.organisation_id, ticket.site_id, ticket.by) == (None, None, None)
    assert (await harness.api(await member_of(harness, an_id("org"))).tickets(Page())).edges == []
    contact = await staff.ticket_contact(ticket.id)
    assert isinstance(contact, TicketContact)
    assert (contact.name, contact.email) == ("Aino Aalto", "aino@example.fi")
    (opened,) = await harness.emitted_events(TicketOpened)
    assert (opened.organisation_id, opened.site_id, opened.channel) == (None, None, Channel.PUBLIC_FORM)


async def test_a_repeated_form_is_one_ticket(harness: Harness) -> None:
    api = harness.api(GATEWAY)
    answers = await asyncio.gather(*(api.send_public_form(public_form()) for _ in range(5)))
    assert len({one.number for one in answers if isinstance(one, PublicFormReceived)}) == 1
    other = await api.send_public_form(public_form(message="Muuta"))
    assert other == refuse("IDEMPOTENCY_CONFLICT", "idempotencyKey")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": ""}, malformed("name", reason="REQUIRED")),
        ({"name": "x" * 201}, malformed("name", reason="TOO_LONG", longest=200)),
        ({"message": " "}, malformed("message", reason="REQUIRED")),
        ({"email": "aino"}, malformed("email", reason="EXAMPLE", example="name@example.com")),
        ({"phone": "040"}, malformed("phone", reason="EXAMPLE", example="+358401234567")),
        ({"email": None}, Problem(code="CONTACT_REQUIRED", path=["email"])),
    ],
)
async def test_a_malformed_form_is_refused(harness: Harness, fields: dict[str, Any], problem: Problem) -> None:
    assert await harness.api(GATEWAY).send_public_form(public_form(**fields)) == Refusal(problems=[problem])


async def test_one_sender_writes_three_an_hour_from_any_address(harness: Harness) -> None:
    for count in range(3):
        caller = msgspec.structs.replace(GATEWAY, address=f"192.0.2.{count}")
        assert isinstance(await harness.api(caller).send_public_form(public_form(str(count))), PublicFormReceived)
    refused = await harness.api(GATEWAY).send_public_form(public_form("4", email="AINO@example.fi"))
    assert refused == refuse("TOO_MANY_MESSAGES", retryable=True, seconds=3600)
    harness.clock.move(hours=1)
    assert isinstance(await harness.api(GATEWAY).send_public_form(public_form("4")), PublicFormReceived)
    assert await harness.pool.fetchval("SELECT count(*) FROM public_forms") == 2, "older ones are forgotten"


async def test_ten_forms_an_hour_come_from_one_address(harness: Harness) -> None:
    for count in range(10):
        form = public_form(str(count), email=f"{count}@example.fi")
        assert isinstance(await harness.api(GATEWAY).send_public_form(form), PublicFormReceived)
    refused = await harness.api(GATEWAY).send_public_form(public_form("11"))
    assert refused == refuse("TOO_MANY_MESSAGES", retryable=True, seconds=3600)


async def test_no_address_is_kept_for_the_limits(harness: Harness) -> None:
    await harness.api(GATEWAY).send_public_form(public_form())
    rows = await harness.pool.fetch("SELECT sender FROM public_forms")
    kept = await harness.pool.fetch("SELECT caller FROM chassis.answers")
    assert rows and kept
    assert not any(text in str([*rows, *kept]) for text in ("192.0.2.1", "aino"))
