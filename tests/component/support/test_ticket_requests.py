"""S4: a service asks for a ticket by event; there is one for each cause, which a later event closes."""

from typing import Any

import msgspec
import pytest

from services.access.caller import Caller
from services.contracts.identity.events import IdentityTicketRequested, IdentityTicketRequestWithdrawn
from services.contracts.orders.events import OrdersTicketRequested, OrdersTicketRequestWithdrawn
from services.contracts.permission import SubjectKind
from services.contracts.sites import SitesTicketRequested, SitesTicketRequestWithdrawn
from services.contracts.stats import StatsTicketRequested, StatsTicketRequestWithdrawn
from services.contracts.support.events import TicketChanged
from services.contracts.support.thread import EntryKind, TicketEntry
from services.contracts.support.tickets import (
    ChangeTicketState,
    Channel,
    Ticket,
    TicketState,
    TicketStateChanged,
)
from services.contracts.ticket_requests import TicketRequested, TicketRequestWithdrawn, Topic
from services.contracts.values import Page
from tests.component.support.forms import Harness, an_id, known_site, member_of

CAUSE = "unreported route_1 2026-03-04"
EVENTS: list[tuple[type[TicketRequested], type[TicketRequestWithdrawn]]] = [
    (IdentityTicketRequested, IdentityTicketRequestWithdrawn),
    (SitesTicketRequested, SitesTicketRequestWithdrawn),
    (OrdersTicketRequested, OrdersTicketRequestWithdrawn),
    (StatsTicketRequested, StatsTicketRequestWithdrawn),
]


def requested(kind: type[TicketRequested] = OrdersTicketRequested, **fields: Any) -> TicketRequested:
    values: dict[str, Any] = {"cause": CAUSE, "topic": Topic.PICKUP, "reason": "UNREPORTED", "subject_id": "route_1"}
    return kind(**(values | fields))


@pytest.fixture
async def staff(harness: Harness) -> Caller:
    return await harness.caller(kind=SubjectKind.STAFF)


async def tickets(harness: Harness, reader: Caller) -> list[Ticket]:
    return [edge.node for edge in (await harness.api(reader).tickets(Page())).edges]


async def thread(harness: Harness, reader: Caller) -> list[TicketEntry]:
    (ticket,) = await tickets(harness, reader)
    (entries,) = await harness.api(reader).threads_of_tickets([ticket.id], Page())
    return [edge.node for edge in entries.edges]


async def move(harness: Harness, staff: Caller, state: TicketState) -> None:
    (ticket,) = await tickets(harness, staff)
    command = ChangeTicketState(idempotency_key=state.value, ticket_id=ticket.id, version=ticket.version, state=state)
    assert isinstance(await harness.api(staff).change_ticket_state(command), TicketStateChanged)


async def test_a_request_is_a_ticket_of_the_staff(harness: Harness, staff: Caller) -> None:
    await harness.receive(requested())
    (ticket,) = await tickets(harness, staff)
    assert (ticket.channel, ticket.state, ticket.topic) == (Channel.SYSTEM, TicketState.NEW, Topic.PICKUP)
    assert (ticket.organisation_id, ticket.site_id, ticket.by) == (None, None, None)
    assert ticket.message == "Tämä asia tarvitsee huomiota: UNREPORTED. Se koskee tunnistetta route_1."


@pytest.mark.parametrize(
    ("prefix", "field"), [("order", "order_id"), ("pickup", "pickup_id"), ("agreement", "agreement_id")]
)
async def test_a_request_about_a_site_is_seen_by_its_users(
    harness: Harness, staff: Caller, prefix: str, field: str
) -> None:
    org, subject = an_id("org"), an_id(prefix)
    site = await known_site(harness, org)
    await harness.receive(requested(subject_id=subject, organisation_id=org, site_id=site))
    (ticket,) = await tickets(harness, await member_of(harness, org))
    assert (ticket.organisation_id, ticket.site_id, getattr(ticket, field)) == (org, site, subject)
    assert await tickets(harness, await member_of(harness, an_id("org"))) == []


async def test_a_site_that_is_not_known_yet_is_left_out(harness: Harness, staff: Caller) -> None:
    await harness.receive(requested(organisation_id=an_id("org"), site_id=an_id("site")))
    (ticket,) = await tickets(harness, staff)
    assert ticket.site_id is None


@pytest.mark.parametrize(("request_of", "withdrawal_of"), EVENTS)
async def test_each_service_opens_one_ticket_a_cause_and_closes_it(
    harness: Harness,
    staff: Caller,
    request_of: type[TicketRequested],
    withdrawal_of: type[TicketRequestWithdrawn],
) -> None:
    for event in (
        requested(request_of),
        requested(request_of),
        withdrawal_of(cause="another cause", subject_id="route_1"),
    ):
        await harness.receive(event)
        harness.clock.move(seconds=1)
    assert [entry.kind for entry in await thread(harness, staff)] == [EntryKind.MESSAGE, EntryKind.NOTE]
    (ticket,) = await tickets(harness, staff)
    assert ticket.state is TicketState.NEW
    await harness.receive(
        withdrawal_of(cause=CAUSE, subject_id="route_1"), withdrawal_of(cause=CAUSE, subject_id="route_1")
    )
    (closed,) = await tickets(harness, staff)
    assert (closed.state, closed.version) == (TicketState.CLOSED, 2)
    assert (await thread(harness, staff))[-1].text == "Asia on hoitunut, joten tiketti suljettiin."
    assert len(await thread(harness, staff)) == 3


async def test_services_have_causes_of_their_own(harness: Harness, staff: Caller) -> None:
    await harness.receive(*(requested(kind) for kind, _ in EVENTS))
    assert len(await tickets(harness, staff)) == len(EVENTS)


async def test_a_cause_that_comes_back_opens_its_ticket_again(harness: Harness, staff: Caller) -> None:
    await harness.receive(requested(), OrdersTicketRequestWithdrawn(cause=CAUSE, subject_id="route_1"))
    harness.clock.move(days=100)
    await harness.receive(requested())
    (ticket,) = await tickets(harness, staff)
    assert (ticket.state, ticket.reopenable_until) == (TicketState.OPEN, None)
    changes = [event.state for event in await harness.emitted_events(TicketChanged)]
    assert changes == [TicketState.CLOSED, TicketState.OPEN]


async def test_a_ticket_that_the_staff_settled_stays_as_it_is(harness: Harness, staff: Caller) -> None:
    await harness.receive(requested())
    await move(harness, staff, TicketState.SOLVED)
    await harness.receive(OrdersTicketRequestWithdrawn(cause=CAUSE, subject_id="route_1"))
    (ticket,) = await tickets(harness, staff)
    assert ticket.state is TicketState.SOLVED
    assert msgspec.json.encode(await thread(harness, staff)).count(b'"kind":"NOTE"') == 0
