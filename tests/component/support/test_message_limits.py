"""S1: the limits of contact forms within an hour, of a customer and of an organisation."""

import asyncio

import pytest

from services.access.caller import Caller
from services.chassis.runtime.settings import SocketAddress
from services.contracts.identity.events import Grant
from services.contracts.permission import Role, SubjectKind
from services.contracts.support.tickets import ContactFormReceived
from services.contracts.values import Refusal
from services.support.app import SUPPORT
from services.support.domain.limits import MessageLimits
from services.support.settings import SupportSettings
from tests.component.support.forms import Harness, MakeSupport, an_id, form, known_site, member_of, send

HOUR = 3600


@pytest.fixture
async def harness(make_harness: MakeSupport) -> Harness:
    return await make_harness(SUPPORT)


def limited(harness: Harness, limits: MessageLimits) -> None:
    harness.settings = SupportSettings(
        listen=SocketAddress("127.0.0.1", 0),
        database_url="postgresql://nowhere",
        kafka="127.0.0.1:0",
        identity_url="http://127.0.0.1:0",
        sites_url="http://127.0.0.1:0",
        orders_url="http://127.0.0.1:0",
        stats_url="http://127.0.0.1:0",
        message_limits=limits,
    )


async def wait_after(harness: Harness, caller: Caller, site: str, key: str) -> int:
    """Send a form, and return the seconds until one is accepted; 0 if this one is."""
    answer = await harness.api(caller).send_contact_form(form(site, key=key))
    if isinstance(answer, ContactFormReceived):
        return 0
    assert isinstance(answer, Refusal)
    (problem,) = answer.problems
    assert (problem.code, problem.path, problem.retryable) == ("TOO_MANY_MESSAGES", [], True)
    return int(problem.params["seconds"])


async def test_a_person_sends_ten_an_hour(harness: Harness) -> None:
    org = an_id("org")
    site, caller = await known_site(harness, org), await member_of(harness, org)
    for count in range(10):
        await send(harness, caller, form(site, key=str(count)))
        harness.clock.move(minutes=1)
    assert await wait_after(harness, caller, site, "11") == HOUR - 10 * 60
    # The limit is of the customer: another site of another organisation is refused, too.
    other = await known_site(harness, org)
    assert await wait_after(harness, caller, other, "11") == HOUR - 10 * 60
    assert await wait_after(harness, await member_of(harness, org), site, "11") == 0

    harness.clock.move(minutes=49, seconds=59)
    assert await wait_after(harness, caller, site, "11") == 1
    harness.clock.move(seconds=1)
    assert await wait_after(harness, caller, site, "11") == 0
    assert await wait_after(harness, caller, site, "12") == 60


async def test_a_refused_form_stores_nothing(harness: Harness) -> None:
    limited(harness, MessageLimits(person=1))
    org = an_id("org")
    site, caller = await known_site(harness, org), await member_of(harness, org)
    await send(harness, caller, form(site, key="1"))
    for _ in range(3):
        assert await wait_after(harness, caller, site, "2") == HOUR
    assert len(await harness.emitted_events()) == 1
    for table in ("tickets", "message_causes", "chassis.answers"):
        assert await harness.pool.fetchval(f"SELECT count(*) FROM {table}") == 1, table
    harness.clock.move(hours=1)
    assert (await send(harness, caller, form(site, key="2"))).number == "T-2026-000002"


async def test_the_same_form_again_is_not_counted(harness: Harness) -> None:
    limited(harness, MessageLimits(person=2))
    org = an_id("org")
    site, caller = await known_site(harness, org), await member_of(harness, org)
    first = await send(harness, caller, form(site, key="1"))
    for _ in range(3):
        assert await send(harness, caller, form(site, key="1")) == first
    await send(harness, caller, form(site, key="2"))
    assert await wait_after(harness, caller, site, "3") == HOUR
    assert await send(harness, caller, form(site, key="1")) == first, "even at the limit"


async def test_all_customers_of_an_organisation_send_thirty_an_hour(harness: Harness) -> None:
    org = an_id("org")
    site = await known_site(harness, org)
    for _ in range(3):
        member = await member_of(harness, org)
        for count in range(10):
            await send(harness, member, form(site, key=str(count)))
    member = await member_of(harness, org)
    assert await wait_after(harness, member, site, "1") == HOUR
    elsewhere = an_id("org")
    assert (
        await wait_after(harness, await member_of(harness, elsewhere), await known_site(harness, elsewhere), "1") == 0
    )
    # Staff are not limited by it.
    assert await wait_after(harness, await harness.caller(kind=SubjectKind.STAFF), site, "1") == 0


async def test_staff_have_their_own_limit(harness: Harness) -> None:
    limited(harness, MessageLimits(person=1, staff=3, organisation=2))
    site, staff = await known_site(harness, an_id("org")), await harness.caller(kind=SubjectKind.STAFF)
    assert [await wait_after(harness, staff, site, str(count)) for count in range(4)] == [0, 0, 0, HOUR]


async def test_the_longest_wait_of_several_limits_is_returned(harness: Harness) -> None:
    limited(harness, MessageLimits(person=1, organisation=1))
    org, other = an_id("org"), an_id("org")
    site, elsewhere = await known_site(harness, org), await known_site(harness, other)
    caller = await harness.caller(*(Grant(organisation_id=one, role=Role.VIEWER) for one in (org, other)))
    await send(harness, caller, form(site, key="1"))
    harness.clock.move(minutes=10)
    await send(harness, await member_of(harness, other), form(elsewhere, key="1"))
    assert await wait_after(harness, caller, site, "2") == HOUR - 600
    assert await wait_after(harness, caller, elsewhere, "2") == HOUR


async def test_ten_of_twenty_forms_at_once_are_accepted(harness: Harness) -> None:
    org = an_id("org")
    site, caller = await known_site(harness, org), await member_of(harness, org)
    waits = await asyncio.gather(*(wait_after(harness, caller, site, str(count)) for count in range(20)))
    assert sorted(waits) == [0] * 10 + [HOUR] * 10


async def test_of_an_organisations_forms_at_once_as_many_as_its_limit_are_accepted(harness: Harness) -> None:
    limited(harness, MessageLimits(organisation=5))
    org = an_id("org")
    sites = [await known_site(harness, org) for _ in range(2)]
    members = [await member_of(harness, org) for _ in range(5)]
    waits = await asyncio.gather(*(wait_after(harness, member, site, site) for member in members for site in sites))
    assert sorted(waits) == [0] * 5 + [HOUR] * 5
