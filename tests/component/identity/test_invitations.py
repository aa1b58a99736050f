"""I7, I8: people are invited by mail, and accept as new or existing users, once and in time."""

import asyncio
import datetime as dt
import re

import pytest

from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.events import AccessStated
from services.contracts.identity.invitations import (
    InvitationAccepted,
    InvitationFilter,
    InvitationPreview,
    InvitationResent,
    InvitationState,
    InvitationWithdrawn,
    JoinedByInvitation,
    MembersInvited,
    ResendInvitation,
    WithdrawInvitation,
)
from services.contracts.identity.people import Language
from services.contracts.permission import Role
from services.contracts.values import Conflict, Page
from services.identity.domain.invitation import MAX_SENT
from services.identity.store.retention import delete_expired
from tests.component.identity.actions import Harness, caller_of, codes, expect, registered, signed_in
from tests.component.identity.mailbox import new_mails
from tests.component.identity.members import COLLEAGUE, Company, invited

LAST_DAY = dt.date(2026, 12, 31)


@pytest.fixture
async def company(harness: Harness) -> Company:
    return await Company.found(harness)


async def test_a_colleague_is_invited_to_some_sites_until_a_day(company: Company) -> None:
    invitation, mail = await company.invited(
        billing=True, site_ids=[company.sites[0]], until=LAST_DAY, language=Language.EN
    )
    assert invitation.state is InvitationState.PENDING
    assert invitation.expires_at == company.harness.clock.now() + dt.timedelta(days=14)
    assert invitation.by == company.admin.subject_id
    assert mail.recipient == COLLEAGUE
    assert mail.subject == "You are invited"
    assert "mirja@example.com invites you" in mail.text
    assert re.search("^Last day: .*2026$", mail.text, re.MULTILINE)
    assert "Prices and invoices: Yes" in mail.text
    assert await company.invitations() == [invitation]
    staff = company.harness.api(company.staff)
    assert await staff.invitations_by_id([invitation.id, write_id("invitation", new_uuid()), "x"]) == [
        invitation,
        None,
        None,
    ]


async def test_a_new_user_joins_once(company: Company) -> None:
    _invitation, mail = await company.invited(billing=True, site_ids=[company.sites[0]], until=LAST_DAY)
    preview = expect(InvitationPreview, await company.preview(mail.code))
    assert (preview.organisation_name, preview.email, preview.role) == ("AS OY MIRJA", COLLEAGUE, Role.EDITOR)
    joined = expect(JoinedByInvitation, await company.join(mail.code))
    (told,) = await new_mails(company.harness)
    assert told.recipient == "mirja@example.com"
    assert f"{COLLEAGUE} hyväksyi kutsun" in told.text
    (stated,) = [
        one
        for one in await company.harness.emitted_events(AccessStated)
        if one.subject_id == joined.user_id and one.version == 2
    ]
    (grant,) = stated.grants
    assert (grant.organisation_id, grant.role, grant.billing) == (company.organisation, Role.EDITOR, True)
    assert (grant.site_ids, grant.until) == ([company.sites[0]], LAST_DAY)
    caller = await caller_of(company.harness, (await signed_in(company.harness, COLLEAGUE)).access_token)
    me = await company.harness.api(caller).me()
    assert me is not None
    assert [one.organisation.id for one in me.memberships] == [company.organisation]
    assert codes(await company.join(mail.code, "another")) == [("INVITATION_NOT_VALID", "token")]
    assert codes(await company.preview(mail.code)) == [("INVITATION_NOT_VALID", "token")]
    (accepted,) = await company.invitations()
    assert (accepted.state, accepted.accepted_by_id) == (InvitationState.ACCEPTED, joined.user_id)
    assert not accepted.accepted_with_other_email
    assert await company.audited() == ["MEMBER_INVITED", "INVITATION_ACCEPTED"]


async def test_an_existing_user_accepts_with_another_address(company: Company) -> None:
    harness = company.harness
    other = await registered(harness, username="toinen", email="toinen@example.fi")
    caller = await caller_of(harness, (await signed_in(harness, "toinen")).access_token)
    await new_mails(harness)
    _, mail = await company.invited()
    first = expect(InvitationAccepted, await company.accept(caller, mail.code))
    assert first.member.by == other
    (told,) = await new_mails(harness)
    assert "toinen sähköpostiosoite" in told.text
    (invitation,) = await company.invitations()
    assert invitation.accepted_with_other_email
    assert expect(InvitationAccepted, await company.accept(caller, mail.code)).member == first.member, "a double click"
    assert await new_mails(harness) == []
    _, again = await company.invited(email="uusi@example.fi")
    assert codes(await company.accept(caller, again.code)) == [("ALREADY_MEMBER", "")]
    assert next(one.state for one in await company.invitations()) is InvitationState.PENDING


async def test_of_two_acceptances_at_once_one_succeeds(company: Company) -> None:
    _, mail = await company.invited()
    answers = await asyncio.gather(*(company.join(mail.code, f"user-{number}") for number in range(3)))
    assert sorted(type(one).__name__ for one in answers) == ["JoinedByInvitation", "Refusal", "Refusal"]
    assert len(await company.members()) == 2


async def test_an_invitation_expires_and_is_sent_again(company: Company) -> None:
    invitation, mail = await company.invited()
    company.harness.clock.move(days=14)
    assert codes(await company.join(mail.code)) == [("INVITATION_NOT_VALID", "token")]
    (expired,) = await company.invitations()
    assert expired.state is InvitationState.EXPIRED
    api = company.harness.api(company.admin)
    command = ResendInvitation(idempotency_key="1", id=invitation.id, version=1)
    resent = expect(InvitationResent, await api.resend_invitation(command)).invitation
    assert (resent.state, resent.version) == (InvitationState.PENDING, 2)
    assert expect(InvitationResent, await api.resend_invitation(command)).invitation == resent
    (again,) = await new_mails(company.harness)
    assert again.code != mail.code
    assert codes(await company.join(mail.code)) == [("INVITATION_NOT_VALID", "token")], "the earlier link"
    expect(JoinedByInvitation, await company.join(again.code))
    decided = ResendInvitation(idempotency_key="2", id=invitation.id, version=3)
    assert codes(await api.resend_invitation(decided)) == [("INVITATION_DECIDED", "id")]


async def test_an_invitation_is_withdrawn(company: Company) -> None:
    invitation, mail = await company.invited()
    api = company.harness.api(company.admin)
    stale = WithdrawInvitation(idempotency_key="1", id=invitation.id, version=7)
    assert isinstance(await api.withdraw_invitation(stale), Conflict)
    command = WithdrawInvitation(idempotency_key="2", id=invitation.id, version=1)
    withdrawn = expect(InvitationWithdrawn, await api.withdraw_invitation(command)).invitation
    assert withdrawn.state is InvitationState.WITHDRAWN
    assert codes(await company.join(mail.code)) == [("INVITATION_NOT_VALID", "token")]
    caller = await caller_of(company.harness, (await signed_in(company.harness)).access_token)
    assert codes(await company.accept(caller, mail.code)) == [("INVITATION_NOT_VALID", "token")]


async def test_a_withdrawn_invitation_that_was_not_sent_yet_is_not_sent(company: Company) -> None:
    answer = expect(MembersInvited, await company.invite(invited()))
    assert answer.outcomes[0].invitation is not None
    command = WithdrawInvitation(idempotency_key="1", id=answer.outcomes[0].invitation.id, version=1)
    expect(InvitationWithdrawn, await company.harness.api(company.admin).withdraw_invitation(command))
    assert await company.harness.pool.fetchval("SELECT bool_and(given_up_at IS NOT NULL) FROM chassis.mail")


async def test_an_invitation_whose_last_day_is_over_is_not_accepted(company: Company) -> None:
    _, mail = await company.invited(until=company.harness.clock.today())
    company.harness.clock.move(days=1)
    assert codes(await company.join(mail.code)) == [("INVITATION_NOT_VALID", "token")]


async def test_several_are_invited_with_an_outcome_each(company: Company) -> None:
    await company.colleague("jo@example.fi")
    elsewhere = write_id("site", new_uuid())
    await company.copy_site(elsewhere, write_id("org", new_uuid()))
    people = [
        invited("uusi@example.fi"),
        invited("ei osoite"),
        invited(""),
        invited("jo@EXAMPLE.fi"),
        invited("UUSI@example.fi"),
        invited("a@example.fi", site_ids=[company.sites[0], elsewhere, "site_x"]),
        invited("b@example.fi", site_ids=[]),
        invited("c@example.fi", site_ids=[company.sites[0]] * 1001),
        invited("d@example.fi", until=company.harness.clock.today() - dt.timedelta(days=1)),
    ]
    answer = expect(MembersInvited, await company.invite(*people))
    assert [one.invitation is not None for one in answer.outcomes] == [True, *[False] * 8]
    found = [(problem.code, ".".join(problem.path)) for one in answer.outcomes for problem in one.problems]
    assert found == [
        ("MALFORMED", "members.1.email"),
        ("MALFORMED", "members.2.email"),
        ("ALREADY_MEMBER", "members.3.email"),
        ("ALREADY_INVITED", "members.4.email"),
        ("NOT_FOUND", "members.5.access.siteIds.1"),
        ("NOT_FOUND", "members.5.access.siteIds.2"),
        ("MALFORMED", "members.6.access.siteIds"),
        ("MALFORMED", "members.7.access.siteIds"),
        ("IN_THE_PAST", "members.8.access.until"),
    ]
    again = expect(MembersInvited, await company.invite(*people))
    assert [one.invitation for one in again.outcomes] == [one.invitation for one in answer.outcomes]
    assert [bool(one.problems) for one in again.outcomes] == [False, *[True] * 8]
    assert len(await new_mails(company.harness)) == 1
    assert codes(await company.invite(people[1], people[3], key="2")) == [
        ("MALFORMED", "members.0.email"),
        ("ALREADY_MEMBER", "members.1.email"),
    ]


@pytest.mark.parametrize("count", [0, 201])
async def test_a_command_invites_up_to_200(company: Company, count: int) -> None:
    people = [invited(f"a{number}@example.fi") for number in range(count)]
    assert codes(await company.invite(*people)) == [("MALFORMED", "members")]


async def test_an_organisation_sends_so_many_invitations_a_day(company: Company) -> None:
    for call in range(MAX_SENT // 200):
        people = [invited(f"a{call}-{number}@example.fi") for number in range(200)]
        answer = expect(MembersInvited, await company.invite(*people, key=f"{call}"))
    assert codes(await company.invite(invited(), key="more")) == [("TOO_MANY_INVITATIONS", "members")]
    first = answer.outcomes[0].invitation
    assert first is not None
    command = ResendInvitation(idempotency_key="1", id=first.id, version=1)
    api = company.harness.api(company.admin)
    assert codes(await api.resend_invitation(command)) == [("TOO_MANY_INVITATIONS", "")]
    company.harness.clock.move(days=1, minutes=1)
    expect(MembersInvited, await company.invite(invited(), key="later"))
    assert len(await company.invitations()) == 50, "a page"


async def test_staff_invite_in_the_operators_name(company: Company) -> None:
    expect(MembersInvited, await company.invite(invited(), by=company.staff))
    (mail,) = await new_mails(company.harness)
    assert "Asiakaspalvelu (Kierto) kutsuu" in mail.text
    expect(JoinedByInvitation, await company.join(mail.code))
    assert await new_mails(company.harness) == [], "staff are not told"


async def test_members_who_are_no_admins_can_not_invite(company: Company) -> None:
    editor, _ = await company.colleague()
    limited, _ = await company.colleague("l@example.fi", role=Role.ADMIN, site_ids=[company.sites[0]])
    assert codes(await company.invite(invited("x@example.fi"), by=editor)) == [("FORBIDDEN", "")]
    assert codes(await company.invite(invited("x@example.fi"), by=limited)) == [("NOT_FOUND", "organisationId")]
    for caller in (editor, limited):
        api = company.harness.api(caller)
        assert (await api.invitations(Page())).edges == []
        invitation_ids = [one.id for one in await company.invitations()]
        assert await api.invitations_by_id(invitation_ids) == [None] * len(invitation_ids)


async def test_joining_checks_the_account(company: Company) -> None:
    _, mail = await company.invited()
    assert codes(await company.join(mail.code, "x", password="short", terms_version=None)) == [
        ("MALFORMED", "username"),
        ("WEAK_PASSWORD", "password"),
        ("TERMS_REQUIRED", "termsVersion"),
    ]
    assert codes(await company.join(mail.code, "mirja@example.com")) == [("USERNAME_TAKEN", "username")]
    expect(JoinedByInvitation, await company.join(mail.code))


async def test_wrong_secrets_are_counted(company: Company) -> None:
    answers = [codes(await company.join(f"wrong {number}"))[0][0] for number in range(51)]
    assert answers == ["INVITATION_NOT_VALID"] * 50 + ["TOO_MANY_ATTEMPTS"]


async def test_invitations_are_filtered_and_their_changes_listed(company: Company) -> None:
    _first, mail = await company.invited("aino@example.fi")
    company.harness.clock.move(days=1)
    await company.invited("eino@example.fi")
    await company.join(mail.code, "aino")
    emails = [one.email for one in await company.invitations()]
    assert emails == ["eino@example.fi", "aino@example.fi"]
    for conditions, found in [
        (InvitationFilter(states=[InvitationState.PENDING]), ["eino@example.fi"]),
        (InvitationFilter(states=[InvitationState.ACCEPTED, InvitationState.EXPIRED]), ["aino@example.fi"]),
        (InvitationFilter(states=[InvitationState.WITHDRAWN]), []),
        (InvitationFilter(search="AINO"), ["aino@example.fi"]),
    ]:
        assert [one.email for one in await company.invitations(conditions)] == found, conditions
    api = company.harness.api(company.admin)
    look = await api.invitations(Page(), InvitationFilter(states=[InvitationState.PENDING]))
    (pending,) = [edge.node for edge in look.edges]
    command = WithdrawInvitation(idempotency_key="1", id=pending.id, version=1)
    expect(InvitationWithdrawn, await api.withdraw_invitation(command))
    later = await api.invitations(
        Page(updated_after=look.page_info.updated_until),
        InvitationFilter(states=[InvitationState.PENDING]),
    )
    assert later.edges == []
    assert pending.id in later.removed


async def test_an_expired_membership_does_not_keep_one_from_joining_again(company: Company) -> None:
    caller, member = await company.colleague(until=company.harness.clock.today())
    company.harness.clock.move(days=1)
    _, mail = await company.invited()
    accepted = expect(InvitationAccepted, await company.accept(caller, mail.code))
    assert accepted.member.id != member.id
    by_id = {one.id: one for one in await company.members()}
    assert by_id[member.id].ended_at is not None
    assert len(by_id) == 3


async def test_the_address_of_an_invitation_is_kept_for_a_year(company: Company) -> None:
    await company.invited()
    for days, email in ((364, COLLEAGUE), (1, "")):
        company.harness.clock.move(days=days)
        await delete_expired(company.harness.pool, company.harness.clock.now())
        assert await company.harness.pool.fetchval("SELECT email FROM invitations") == email


async def test_the_inviter_is_told_at_a_verified_address_alone(company: Company) -> None:
    _, mail = await company.invited()
    await company.harness.pool.execute("UPDATE users SET email_verified_at = NULL")
    expect(JoinedByInvitation, await company.join(mail.code))
    assert [one for one in await new_mails(company.harness) if one.recipient == "mirja@example.com"] == []
