"""I7: admins see who has access, change and end it; an organisation keeps an admin."""

import asyncio
import datetime as dt

import pytest

from services.access.caller import Caller
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.events import AccessStated
from services.contracts.identity.members import (
    ChangeMember,
    EndMembership,
    Member,
    MemberAccess,
    MemberChanged,
    MemberFilter,
    MembershipEnded,
)
from services.contracts.permission import Role
from services.contracts.values import Conflict, Outcome, Page
from tests.component.identity.actions import Harness, codes, expect
from tests.component.identity.members import COLLEAGUE, Company

ADMIN = MemberAccess(role=Role.ADMIN, billing=True)


@pytest.fixture
async def company(harness: Harness) -> Company:
    return await Company.found(harness)


async def change(company: Company, member: Member, access: MemberAccess, *, key: str = "1") -> Outcome:
    command = ChangeMember(idempotency_key=key, id=member.id, version=member.version, access=access)
    return await company.harness.api(company.admin).change_member(command)


async def end(company: Company, member: Member, *, key: str = "1", by: Caller | None = None) -> Outcome:
    command = EndMembership(idempotency_key=key, id=member.id, version=member.version)
    return await company.harness.api(by or company.admin).end_membership(command)


async def admin_of(company: Company) -> Member:
    (member,) = [one for one in await company.members() if one.username == "mirja@example.com"]
    return member


async def test_admins_see_the_members(company: Company) -> None:
    caller, member = await company.colleague(site_ids=[company.sites[0]])
    admin = await admin_of(company)
    assert await company.members() == [admin, member]
    assert (member.by, member.username, member.role) == (caller.subject_id, COLLEAGUE, Role.EDITOR)
    assert (member.site_ids, member.since) == ([company.sites[0]], company.harness.clock.now())
    assert (admin.role, admin.billing, admin.site_ids, admin.until) == (Role.ADMIN, True, None, None)
    for conditions, found in [
        (MemberFilter(search="KAISA"), [member]),
        (MemberFilter(roles=[Role.ADMIN, Role.VIEWER]), [admin]),
        (MemberFilter(site_ids=[company.sites[1]]), [admin]),
        (MemberFilter(site_ids=[company.sites[0], "site_x"]), [admin, member]),
        (MemberFilter(ended=True), []),
        (MemberFilter(ended=False), [admin, member]),
    ]:
        assert await company.members(conditions) == found, conditions
    staff = company.harness.api(company.staff)
    assert await staff.members_by_id([member.id, write_id("member", new_uuid()), "x"]) == [member, None, None]
    api = company.harness.api(caller)
    assert (await api.organisation_members(Page())).edges == []
    assert await api.members_by_id([member.id]) == [None]


async def test_a_member_gets_another_access(company: Company) -> None:
    caller, member = await company.colleague()
    access = MemberAccess(role=Role.VIEWER, site_ids=[company.sites[1]], until=dt.date(2026, 12, 31))
    changed = expect(MemberChanged, await change(company, member, access)).member
    assert (changed.role, changed.site_ids, changed.until) == (Role.VIEWER, [company.sites[1]], access.until)
    assert changed.version == 2
    assert expect(MemberChanged, await change(company, member, access)).member == changed, "a repetition"
    stated = (await company.harness.emitted_events(AccessStated))[-1]
    assert (stated.subject_id, stated.version) == (caller.subject_id, 3)
    (grant,) = stated.grants
    assert (grant.role, grant.site_ids, grant.until) == (Role.VIEWER, [company.sites[1]], access.until)
    assert isinstance(await change(company, member, ADMIN, key="2"), Conflict)
    assert (await company.audited())[-1] == "MEMBER_CHANGED"


async def test_a_membership_ends_at_once(company: Company) -> None:
    caller, member = await company.colleague()
    look = await company.harness.api(company.admin).organisation_members(Page(), MemberFilter(ended=False))
    ended = expect(MembershipEnded, await end(company, member)).member
    assert ended.ended_at == company.harness.clock.now()
    assert (await company.harness.emitted_events(AccessStated))[-1].grants == []
    me = await company.harness.api(caller).me()
    assert me is not None
    assert me.memberships == []
    assert await company.members(MemberFilter(ended=True)) == [ended]
    later = await company.harness.api(company.admin).organisation_members(
        Page(updated_after=look.page_info.updated_until), MemberFilter(ended=False)
    )
    assert later.removed == [member.id]
    assert codes(await change(company, ended, ADMIN)) == [("MEMBERSHIP_ENDED", "id")]
    assert codes(await end(company, ended, key="2")) == [("MEMBERSHIP_ENDED", "id")]
    again, _ = await company.colleague("kaisa.b@example.fi")
    assert again.subject_id != caller.subject_id


async def test_an_access_is_checked(company: Company) -> None:
    _, member = await company.colleague()
    yesterday = company.harness.clock.today() - dt.timedelta(days=1)
    for access, found in [
        (MemberAccess(role=Role.VIEWER, site_ids=[]), ("MALFORMED", "access.siteIds")),
        (MemberAccess(role=Role.VIEWER, until=yesterday), ("IN_THE_PAST", "access.until")),
        (
            MemberAccess(role=Role.VIEWER, site_ids=[company.sites[0], write_id("site", new_uuid())]),
            ("NOT_FOUND", "access.siteIds.1"),
        ),
    ]:
        assert codes(await change(company, member, access)) == [found]


@pytest.mark.parametrize(
    "access",
    [
        MemberAccess(role=Role.EDITOR, billing=True),
        MemberAccess(role=Role.ADMIN, billing=True, until=dt.date(2030, 1, 1)),
    ],
)
async def test_the_last_admin_stays(company: Company, access: MemberAccess) -> None:
    await company.colleague()
    admin = await admin_of(company)
    limited = MemberAccess(role=Role.ADMIN, site_ids=[company.sites[0]])
    assert codes(await change(company, admin, access)) == [("LAST_ADMIN", "id")]
    assert codes(await change(company, admin, limited, key="2")) == [("LAST_ADMIN", "id")]
    assert codes(await end(company, admin)) == [("LAST_ADMIN", "id")]
    assert codes(await end(company, admin, by=company.staff)) == [("LAST_ADMIN", "id")]
    expect(MemberChanged, await change(company, admin, MemberAccess(role=Role.ADMIN), key="3"))
    await company.colleague("a@example.fi", role=Role.ADMIN)
    expect(MemberChanged, await change(company, await admin_of(company), access, key="4"))


async def test_an_admin_who_can_not_sign_in_does_not_count(company: Company) -> None:
    caller, _ = await company.colleague(role=Role.ADMIN)
    await company.harness.pool.execute("UPDATE users SET active = false WHERE username = $1", COLLEAGUE)
    assert caller.subject_id
    assert codes(await end(company, await admin_of(company))) == [("LAST_ADMIN", "id")]


async def test_of_two_admins_who_end_each_other_at_once_one_stays(company: Company) -> None:
    other, member = await company.colleague(role=Role.ADMIN)
    admin = await admin_of(company)
    answers = await asyncio.gather(
        end(company, member), end(company, admin, by=other), end(company, admin, by=company.staff)
    )
    assert [type(one).__name__ for one in answers].count("MembershipEnded") == 1
    roles = [one.role for one in await company.members(MemberFilter(ended=False))]
    assert roles.count(Role.ADMIN) == 1
