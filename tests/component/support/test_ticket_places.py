"""S2: the staff give a ticket of a public form to its site, whose people see it from then on."""

import pytest

from services.access.caller import Caller
from services.contracts.permission import SubjectKind
from services.contracts.support.events import TicketChanged
from services.contracts.support.thread import AnswerTicket, EntryKind, ReplyToTicket, TicketEntryAdded
from services.contracts.support.tickets import (
    Channel,
    PlaceTicket,
    PublicFormReceived,
    Ticket,
    TicketFilter,
    TicketPlaced,
)
from services.contracts.values import Conflict, Page, Refusal, conflict, refuse
from services.support.app import SUPPORT
from tests.component.support.forms import Harness, MakeSupport, an_id, form, known_site, member_of, send
from tests.component.support.test_public_form import GATEWAY, public_form


@pytest.fixture
async def harness(make_harness: MakeSupport) -> Harness:
    return await make_harness(SUPPORT)


@pytest.fixture
async def staff(harness: Harness) -> Caller:
    return await harness.caller(kind=SubjectKind.STAFF)


async def public_ticket(harness: Harness, staff: Caller) -> Ticket:
    """Return the ticket of a public form."""
    assert isinstance(await harness.api(GATEWAY).send_public_form(public_form()), PublicFormReceived)
    (ticket,) = await listed(harness, staff)
    return ticket


async def listed(harness: Harness, reader: Caller, search: str | None = None) -> list[Ticket]:
    return [edge.node for edge in (await harness.api(reader).tickets(Page(), TicketFilter(search=search))).edges]


async def place(
    harness: Harness, staff: Caller, ticket: Ticket, site: str, key: str = "1"
) -> TicketPlaced | Conflict | Refusal:
    command = PlaceTicket(idempotency_key=key, ticket_id=ticket.id, version=ticket.version, site_id=site)
    return await harness.api(staff).place_ticket(command)


async def placed(harness: Harness, staff: Caller, ticket: Ticket, site: str, key: str = "1") -> Ticket:
    answer = await place(harness, staff, ticket, site, key)
    assert isinstance(answer, TicketPlaced)
    return answer.ticket


async def test_a_public_form_is_given_to_its_site(harness: Harness, staff: Caller) -> None:
    ticket, org = await public_ticket(harness, staff), an_id("org")
    site = await known_site(harness, org, site_number="7712")
    member, colleague = await member_of(harness, org), await member_of(harness, org, [site])
    others = await member_of(harness, org, [an_id("site")]), await member_of(harness, an_id("org"))
    harness.clock.move(minutes=1)
    given = await placed(harness, staff, ticket, site)
    assert (given.organisation_id, given.site_id, given.version) == (org, site, ticket.version + 1)
    assert (given.updated_at, given.state, given.channel) == (harness.clock.now(), ticket.state, Channel.PUBLIC_FORM)
    for reader in (member, colleague, staff):
        assert await listed(harness, reader) == [given]
        assert await listed(harness, reader, "7712") == [given]
    for stranger in others:
        assert await listed(harness, stranger) == []
    (thread,) = await harness.api(staff).threads_of_tickets([ticket.id], Page())
    note = thread.edges[1].node
    assert (note.kind, note.channel, note.by) == (EntryKind.NOTE, Channel.SYSTEM, None)
    assert "7712" in note.text
    (changed,) = await harness.emitted_events(TicketChanged)
    assert (changed.organisation_id, changed.site_id, changed.version) == (org, site, given.version)
    audit = await harness.pool.fetchrow("SELECT actor, action, subject FROM chassis.audit")
    assert audit is not None
    assert tuple(audit) == (staff.subject_id, "TICKET_PLACED", ticket.id)


async def test_the_customer_and_the_staff_write_on_in_it(harness: Harness, staff: Caller) -> None:
    ticket, org = await public_ticket(harness, staff), an_id("org")
    member = await member_of(harness, org)
    reply = ReplyToTicket(idempotency_key="1", ticket_id=ticket.id, text="Odotan vastausta.")
    assert await harness.api(member).reply_to_ticket(reply) == refuse("NOT_FOUND", "ticketId")
    await placed(harness, staff, ticket, await known_site(harness, org))
    replied = await harness.api(member).reply_to_ticket(reply)
    assert isinstance(replied, TicketEntryAdded)
    answer = AnswerTicket(
        idempotency_key="1", ticket_id=ticket.id, version=replied.ticket.version, text="Avain on postissa."
    )
    assert isinstance(await harness.api(staff).answer_ticket(answer), TicketEntryAdded)
    (thread,) = await harness.api(member).threads_of_tickets([ticket.id], Page())
    assert [edge.node.text for edge in thread.edges] == ["En pääse sisään.", "Odotan vastausta.", "Avain on postissa."]


async def test_a_repeated_command_is_one(harness: Harness, staff: Caller) -> None:
    ticket = await public_ticket(harness, staff)
    site = await known_site(harness, an_id("org"))
    given = await placed(harness, staff, ticket, site)
    assert await placed(harness, staff, ticket, site) == given
    assert await place(harness, staff, ticket, site, "2") == conflict(ticket.id, yours=1, now=2)
    (thread,) = await harness.api(staff).threads_of_tickets([ticket.id], Page())
    assert thread.total_count == 2


async def test_a_ticket_stays_within_its_organisation(harness: Harness, staff: Caller) -> None:
    org = an_id("org")
    site, other = await known_site(harness, org), await known_site(harness, org)
    writer, neighbour = await member_of(harness, org, [site]), await member_of(harness, org, [other])
    ticket = await send(harness, writer, form(site))
    token = (await harness.api(writer).tickets(Page())).page_info.updated_until
    foreign = await known_site(harness, an_id("org"))
    assert await place(harness, staff, ticket, foreign) == refuse("OTHER_ORGANISATION", "siteId")
    assert await place(harness, staff, ticket, "site_x") == refuse("NOT_FOUND", "siteId")
    # The site's event may not have arrived yet.
    assert await place(harness, staff, ticket, an_id("site")) == refuse("NOT_READY_YET", "siteId", retryable=True)
    moved = await placed(harness, staff, ticket, other)
    assert await listed(harness, writer) == []
    assert await listed(harness, neighbour) == [moved]
    left = await harness.api(writer).tickets(Page(updated_after=token))
    assert (left.edges, left.removed) == ([], [ticket.id])
