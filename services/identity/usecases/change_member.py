"""Another access of a member, and the end of a membership (I7)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.access.caller import Caller
from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import read_id, write_id
from services.contracts.identity.members import (
    ChangeMember,
    EndMembership,
    Member,
    MemberChanged,
    MembershipEnded,
)
from services.contracts.values import Conflict, Id, MutationResult, Refusal, conflict, refuse
from services.identity.domain.member import MemberRecord, access_problems, ended, takes_last_admin, with_access
from services.identity.mapping.member_responses import member_response
from services.identity.usecases.invite_members import access_record, unknown_sites
from services.identity.usecases.ports.transaction import IdentityStore
from services.identity.usecases.state_access import state_changed_access

R = TypeVar("R", bound=MutationResult)


async def change_member(tx: IdentityStore, caller: Caller, command: ChangeMember) -> MemberChanged | Conflict | Refusal:
    """Give a member another access, from now on.

    Refused with MALFORMED, IN_THE_PAST, NOT_FOUND (a site that is not the organisation's), LAST_ADMIN,
    MEMBERSHIP_ENDED.
    """
    if problems := access_problems(command.access, tx.today, "access"):
        return Refusal(problems=problems)

    async def change(member: MemberRecord) -> MemberRecord | Refusal:
        if problems := await unknown_sites(tx, member.organisation_id, command.access, "access"):
            return Refusal(problems=problems)
        return with_access(member, access_record(command.access))

    return await _change(
        tx,
        caller,
        "changeMember",
        "MEMBER_CHANGED",
        command,
        change,
        lambda one: MemberChanged(member=one),
        MemberChanged,
    )


async def end_membership(
    tx: IdentityStore, caller: Caller, command: EndMembership
) -> MembershipEnded | Conflict | Refusal:
    """End a membership at once. Refused with LAST_ADMIN, MEMBERSHIP_ENDED."""

    async def change(member: MemberRecord) -> MemberRecord | Refusal:
        return ended(member, tx.now)

    return await _change(
        tx,
        caller,
        "endMembership",
        "MEMBERSHIP_ENDED",
        command,
        change,
        lambda one: MembershipEnded(member=one),
        MembershipEnded,
    )


async def _change(
    tx: IdentityStore,
    caller: Caller,
    operation: str,
    action: str,
    command: ChangeMember | EndMembership,
    change: Callable[[MemberRecord], Awaitable[MemberRecord | Refusal]],
    show: Callable[[Member], R],
    result: type[R],
) -> R | Conflict | Refusal:
    member_id = read_id("member", command.id)

    async def shown(member: MemberRecord) -> R:
        user = await tx.users.by_id(member.user_id)
        assert user is not None, "a membership goes with its user"
        return show(member_response(member, user.username))

    async def do() -> R | Conflict | Refusal:
        found = await tx.members.by_id(member_id)
        assert found is not None, "the caller was authorised for it"
        # The organisation's row is locked: of its last two admins, no two leave at once.
        await tx.organisations.lock(found.organisation_id)
        member = await tx.members.by_id(member_id)
        assert member is not None, "memberships are not deleted while their organisation is locked"
        if member.version != command.version:
            return conflict(command.id, yours=command.version, now=member.version)
        if member.ended_at is not None:
            return refuse("MEMBERSHIP_ENDED", "id")
        changed = await change(member)
        if isinstance(changed, Refusal):
            return changed
        if takes_last_admin(member, changed, await tx.members.permanent_admins(member.organisation_id)):
            return refuse("LAST_ADMIN", "id")
        await tx.members.save(changed)
        await state_changed_access(tx, member.user_id)
        tx.audit(
            AuditEntry(
                actor=caller.subject_id,
                action=action,
                subject=command.id,
                organisation_id=write_id("org", member.organisation_id),
            )
        )
        return await shown(changed)

    async def read_again(ids: Sequence[Id]) -> R | None:
        member = await tx.members.by_id(member_id)
        return await shown(member) if member else None

    return await tx.change_once(
        organisation=command.id,
        caller=caller.subject_id,
        operation=operation,
        command=command,
        do=do,
        ids=lambda _: [command.id],
        read_again={result: read_again},
    )
