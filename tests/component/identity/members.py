"""An organisation with an admin and sites, whose members and invitations tests change."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from services.access.caller import Caller
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.identity.invitations import (
    AcceptInvitation,
    Invitation,
    InvitationFilter,
    InvitedMember,
    InviteMembers,
    JoinByInvitation,
    MembersInvited,
)
from services.contracts.identity.members import Member, MemberAccess, MemberFilter
from services.contracts.identity.people import Language
from services.contracts.permission import Role
from services.contracts.values import Outcome, Page
from tests.component.identity.actions import (
    MIRJA,
    PASSWORD,
    Harness,
    anonymous,
    caller_of,
    customers,
    expect,
    registered,
    signed_in,
    staff,
)
from tests.component.identity.mailbox import Mail, new_mails, verify

COLLEAGUE = "kaisa@example.fi"


class Company:
    """A customer with two sites, its admin, and its members and invitations."""

    def __init__(self, harness: Harness, organisation: str, admin: Caller, staff: Caller) -> None:
        self.harness = harness
        self.organisation = organisation
        self.admin = admin
        self.staff = staff
        self.sites = [write_id("site", new_uuid()) for _ in range(2)]

    @classmethod
    async def found(cls, harness: Harness) -> "Company":
        """Import the customer, register its admin and copy its sites."""
        organisation = (await customers(harness))[MIRJA]
        admin_id = await registered(harness)
        await verify(harness, admin_id)
        admin = await caller_of(harness, (await signed_in(harness)).access_token)
        company = cls(harness, organisation, admin, await staff(harness))
        for site in company.sites:
            await company.copy_site(site, organisation)
        await new_mails(harness)
        harness.clock.move(seconds=1)
        return company

    async def copy_site(self, site: str, organisation: str) -> None:
        async with self.harness.work() as tx:
            await tx.sites.upsert(read_id("site", site), read_id("org", organisation), 1)

    async def invite(self, *members: InvitedMember, by: Caller | None = None, key: str = "1") -> Outcome:
        command = InviteMembers(idempotency_key=key, organisation_id=self.organisation, members=list(members))
        return await self.harness.api(by or self.admin).invite_members(command)

    async def invited(self, email: str = COLLEAGUE, **different: Any) -> tuple[Invitation, Mail]:
        """Invite the colleague with success; return the invitation and its mail."""
        answer = expect(MembersInvited, await self.invite(invited(email, **different), key=write_id("key", new_uuid())))
        (outcome,) = answer.outcomes
        assert outcome.invitation is not None
        (mail,) = await new_mails(self.harness)
        return outcome.invitation, mail

    async def join(self, token: str, username: str = COLLEAGUE, **different: Any) -> Outcome:
        """Create an account by an invitation."""
        command = JoinByInvitation(token=token, username=username, password=PASSWORD, terms_version="2026-01")
        return await self.harness.api(anonymous()).join_by_invitation(msgspec.structs.replace(command, **different))

    async def colleague(self, username: str = COLLEAGUE, **different: Any) -> tuple[Caller, Member]:
        """Invite a colleague who joins; return them as caller and member."""
        _, mail = await self.invited(email=username, **different)
        await self.join(mail.code, username)
        caller = await caller_of(self.harness, (await signed_in(self.harness, username)).access_token)
        await new_mails(self.harness)
        (member,) = [one for one in await self.members() if one.username == username and one.ended_at is None]
        return caller, member

    async def accept(self, caller: Caller, token: str) -> Outcome:
        return await self.harness.api(caller).accept_invitation(AcceptInvitation(token=token))

    async def preview(self, token: str) -> Outcome:
        return await self.harness.api(anonymous()).invitation_preview(token)

    async def members(self, conditions: MemberFilter | None = None) -> Sequence[Member]:
        page = await self.harness.api(self.admin).organisation_members(Page(), conditions)
        return [edge.node for edge in page.edges]

    async def invitations(self, conditions: InvitationFilter | None = None) -> Sequence[Invitation]:
        page = await self.harness.api(self.admin).invitations(Page(), conditions)
        return [edge.node for edge in page.edges]

    async def audited(self) -> list[str]:
        """Return the actions of the audit log, in order."""
        rows = await self.harness.pool.fetch("SELECT action FROM chassis.audit ORDER BY id")
        return [row["action"] for row in rows]


def invited(
    email: str = COLLEAGUE,
    role: Role = Role.EDITOR,
    language: Language = Language.FI,
    billing: bool = False,
    site_ids: list[str] | None = None,
    until: dt.date | None = None,
) -> InvitedMember:
    """Return a person to invite."""
    access = MemberAccess(role=role, billing=billing, site_ids=site_ids, until=until)
    return InvitedMember(email=email, language=language, access=access)
