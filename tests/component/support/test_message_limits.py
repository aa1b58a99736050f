"""S1: how many contact forms are taken within an hour, of a person and of an organisation."""

import asyncio

import pytest

from services.access.caller import Caller
from services.chassis.settings import Address
from services.contracts.identity import Grant, Role, SubjectKind
from services.contracts.support import ContactFormReceived
from services.contracts.values import Refusal
from services.support.app import SUPPORT
from services.support.domain.limits import MessageLimits
from services.support.settings import SupportSettings
from tests.component.support.forms import Bench, Make, an_id, form, known_site, member_of, sent

HOUR = 3600


@pytest.fixture
async def bench(workbench: Make) -> Bench:
    return await workbench(SUPPORT)


def limited(bench: Bench, limits: MessageLimits) -> None:
    bench.settings = SupportSettings(
        listen=Address("127.0.0.1", 0),
        database_url="postgresql://nowhere",
        kafka="127.0.0.1:0",
        identity_url="http://127.0.0.1:0",
        message_limits=limits,
    )


async def wait_after(bench: Bench, caller: Caller, site: str, key: str) -> int:
    """In how many seconds the next form is taken; 0 if this one was."""
    answer = await bench.offering(caller).send_contact_form(form(site, key=key))
    if isinstance(answer, ContactFormReceived):
        return 0
    assert isinstance(answer, Refusal)
    (problem,) = answer.problems
    assert (problem.code, problem.path, problem.retryable) == ("TOO_MANY_MESSAGES", [], True)
    return int(problem.params["seconds"])


async def test_a_person_sends_ten_an_hour(bench: Bench) -> None:
    org = an_id("org")
    site, caller = await known_site(bench, org), await member_of(bench, org)
    for count in range(10):
        await sent(bench, caller, form(site, key=str(count)))
        bench.clock.move(minutes=1)
    assert await wait_after(bench, caller, site, "11") == HOUR - 10 * 60
    # Of another site, too, and of another organisation.
    other = await known_site(bench, org)
    assert await wait_after(bench, caller, other, "11") == HOUR - 10 * 60
    assert await wait_after(bench, await member_of(bench, org), site, "11") == 0

    bench.clock.move(minutes=49, seconds=59)
    assert await wait_after(bench, caller, site, "11") == 1
    bench.clock.move(seconds=1)
    assert await wait_after(bench, caller, site, "11") == 0
    assert await wait_after(bench, caller, site, "12") == 60


async def test_what_is_refused_leaves_nothing(bench: Bench) -> None:
    limited(bench, MessageLimits(person=1))
    org = an_id("org")
    site, caller = await known_site(bench, org), await member_of(bench, org)
    await sent(bench, caller, form(site, key="1"))
    for _ in range(3):
        assert await wait_after(bench, caller, site, "2") == HOUR
    assert len(await bench.announced()) == 1
    for table in ("tickets", "receipts", "chassis.answers"):
        assert await bench.pool.fetchval(f"SELECT count(*) FROM {table}") == 1, table
    bench.clock.move(hours=1)
    assert (await sent(bench, caller, form(site, key="2"))).number == "T-2026-000002"


async def test_the_same_form_again_is_not_counted(bench: Bench) -> None:
    limited(bench, MessageLimits(person=2))
    org = an_id("org")
    site, caller = await known_site(bench, org), await member_of(bench, org)
    first = await sent(bench, caller, form(site, key="1"))
    for _ in range(3):
        assert await sent(bench, caller, form(site, key="1")) == first
    await sent(bench, caller, form(site, key="2"))
    assert await wait_after(bench, caller, site, "3") == HOUR
    assert await sent(bench, caller, form(site, key="1")) == first, "also when no other is taken"


async def test_all_of_an_organisation_send_thirty_an_hour(bench: Bench) -> None:
    org = an_id("org")
    site = await known_site(bench, org)
    for _ in range(3):
        member = await member_of(bench, org)
        for count in range(10):
            await sent(bench, member, form(site, key=str(count)))
    member = await member_of(bench, org)
    assert await wait_after(bench, member, site, "1") == HOUR
    elsewhere = an_id("org")
    assert await wait_after(bench, await member_of(bench, elsewhere), await known_site(bench, elsewhere), "1") == 0
    # Customer service goes on.
    assert await wait_after(bench, await bench.caller(kind=SubjectKind.STAFF), site, "1") == 0


async def test_staff_have_a_limit_of_their_own(bench: Bench) -> None:
    limited(bench, MessageLimits(person=1, staff=3, organisation=2))
    site, staff = await known_site(bench, an_id("org")), await bench.caller(kind=SubjectKind.STAFF)
    assert [await wait_after(bench, staff, site, str(count)) for count in range(4)] == [0, 0, 0, HOUR]


async def test_the_longest_wait_is_told(bench: Bench) -> None:
    limited(bench, MessageLimits(person=1, organisation=1))
    org, other = an_id("org"), an_id("org")
    site, elsewhere = await known_site(bench, org), await known_site(bench, other)
    caller = await bench.caller(*(Grant(organisation_id=one, role=Role.VIEWER) for one in (org, other)))
    await sent(bench, caller, form(site, key="1"))
    bench.clock.move(minutes=10)
    await sent(bench, await member_of(bench, other), form(elsewhere, key="1"))
    assert await wait_after(bench, caller, site, "2") == HOUR - 600
    assert await wait_after(bench, caller, elsewhere, "2") == HOUR


async def test_twenty_at_once_are_ten(bench: Bench) -> None:
    org = an_id("org")
    site, caller = await known_site(bench, org), await member_of(bench, org)
    waits = await asyncio.gather(*(wait_after(bench, caller, site, str(count)) for count in range(20)))
    assert sorted(waits) == [0] * 10 + [HOUR] * 10
