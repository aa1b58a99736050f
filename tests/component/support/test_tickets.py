"""S2: customers see the tickets of their sites, staff see all, newest first."""

import pytest

from services.chassis.problems import Forbidden
from services.contracts.identity.events import Grant
from services.contracts.permission import SubjectKind
from services.contracts.support.operations import Support
from services.contracts.support.tickets import Ticket, TicketFilter, TicketOrder, TicketOrderField, TicketState
from services.contracts.ticket_requests import Topic
from services.contracts.values import Connection, Page
from services.support.app import SUPPORT
from tests.component.support.forms import Harness, MakeSupport, an_id, form, known_site, member_of, send


async def messages(api: Support, page: Page | None = None, filter: TicketFilter | None = None) -> list[str]:
    return [ticket.message for ticket in _nodes(await api.tickets(page or Page(), filter))]


def _nodes(listing: Connection[Ticket]) -> list[Ticket]:
    assert isinstance(listing.total_count, int) and listing.total_count >= len(listing.edges)
    return [edge.node for edge in listing.edges]


async def three_tickets(harness: Harness, org: str, first: str, second: str) -> list[Ticket]:
    member = await member_of(harness, org)
    tickets = []
    for count, site in enumerate((first, second, first)):
        tickets.append(await send(harness, member, form(site, f"message {count}", key=str(count))))
        harness.clock.move(minutes=1)
    return tickets


async def test_tickets_come_newest_first_and_in_pages(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    await three_tickets(harness, org, await known_site(harness, org), await known_site(harness, org))
    api = harness.api(await member_of(harness, org))
    assert await messages(api) == ["message 2", "message 1", "message 0"]

    first = await api.tickets(Page(first=2))
    assert ([ticket.message for ticket in _nodes(first)], first.total_count) == (["message 2", "message 1"], 3)
    assert first.page_info.has_next_page
    rest = await api.tickets(Page(first=2, after=first.page_info.end_cursor))
    assert [ticket.message for ticket in _nodes(rest)] == ["message 0"]
    assert not rest.page_info.has_next_page


async def test_tickets_of_one_instant_are_all_listed(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    site, member = await known_site(harness, org), await member_of(harness, org)
    for count in range(3):
        await send(harness, member, form(site, f"message {count}", key=str(count)))
    api, after, seen = harness.api(member), None, []
    for _ in range(3):
        page = await api.tickets(Page(first=1, after=after))
        seen += [ticket.message for ticket in _nodes(page)]
        after = page.page_info.end_cursor
    assert sorted(seen) == ["message 0", "message 1", "message 2"]


async def test_tickets_of_one_site(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    first, second = await known_site(harness, org), await known_site(harness, org)
    await three_tickets(harness, org, first, second)
    api = harness.api(await member_of(harness, org))
    of_first = TicketFilter(site_ids=[first])
    assert await messages(api, filter=of_first) == ["message 2", "message 0"]
    assert (await api.tickets(Page(), of_first)).total_count == 2
    assert await messages(api, filter=TicketFilter(site_ids=[second, first])) == ["message 2", "message 1", "message 0"]
    for unknown in (an_id("site"), "not an id"):
        assert await messages(api, filter=TicketFilter(site_ids=[unknown])) == []


async def test_tickets_in_order_and_by_state_and_topic(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    await three_tickets(harness, org, await known_site(harness, org), await known_site(harness, org))
    api = harness.api(await member_of(harness, org))
    earliest = TicketOrder(field=TicketOrderField.OPENED_AT)
    listed = await api.tickets(Page(), None, earliest)
    assert [ticket.message for ticket in _nodes(listed)] == ["message 0", "message 1", "message 2"]
    (topic,) = {ticket.topic for ticket in _nodes(listed)}
    for state in TicketState:
        for one in Topic:
            found = await messages(api, filter=TicketFilter(states=[state], topics=[one], organisation_ids=[org]))
            assert len(found) == (3 if (state, one) == (TicketState.NEW, topic) else 0)


async def test_tickets_of_a_site_out_of_reach_are_not_seen(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org, other = an_id("org"), an_id("org")
    first, second = await known_site(harness, org), await known_site(harness, org)
    tickets = await three_tickets(harness, org, first, second)
    ids = [ticket.id for ticket in tickets]

    limited = harness.api(await member_of(harness, org, [second]))
    assert await messages(limited) == ["message 1"]
    assert await limited.tickets_by_id(ids) == [None, tickets[1], None]
    other_member = harness.api(await member_of(harness, other))
    page = Page(updates=False)
    assert await other_member.tickets(page) == await other_member.tickets(page, TicketFilter(site_ids=[first]))
    assert (await other_member.tickets(Page())).total_count == 0
    assert await other_member.tickets_by_id(ids) == [None, None, None]
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    assert len(await messages(staff)) == 3
    assert await staff.tickets_by_id([ids[2], "not an id", ids[0]]) == [tickets[2], None, tickets[0]]


async def test_a_ticket_stays_with_the_organisation_that_opened_it(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    before, after = an_id("org"), an_id("org")
    site = await known_site(harness, before)
    ticket = await send(harness, await member_of(harness, before), form(site))
    await known_site(harness, after, site, version=2)
    assert await harness.api(await member_of(harness, after)).tickets_by_id([ticket.id]) == [None]
    assert await harness.api(await member_of(harness, before)).tickets_by_id([ticket.id]) == [ticket]


async def test_partners_see_no_tickets(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    partner = harness.api(
        await harness.caller(Grant(organisation_id=None), kind=SubjectKind.PARTNER, scopes=["orders:read"])
    )
    with pytest.raises(Forbidden):
        await partner.tickets(Page())
    with pytest.raises(Forbidden):
        await partner.tickets_by_id([an_id("ticket")])
