"""The invitation of people to an organisation (I7)."""

import uuid
from collections.abc import Collection, Sequence

from services.access.caller import Caller
from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import find_id, new_uuid, read_id, write_id
from services.contracts.identity.invitations import (
    MAX_INVITATIONS,
    InvitationOutcome,
    InvitedMember,
    InviteMembers,
    MembersInvited,
)
from services.contracts.identity.members import MemberAccess
from services.contracts.values import Id, Problem, Refusal, malformed
from services.identity.domain.invitation import InvitationRecord, invited_problems, new_invitation
from services.identity.domain.member import AccessRecord
from services.identity.mapping.member_responses import invitation_response
from services.identity.usecases.ports.transaction import IdentityStore
from services.identity.usecases.send_account_mail import AccountMails
from services.identity.usecases.send_invitation import (
    InvitationSender,
    check_invitation_limit,
    find_sender,
    send_invitation,
)

_PATH_OF_CODE = {"ALREADY_MEMBER": "email", "ALREADY_INVITED": "email"}
"""The inputs that the refusals of one person are about. A refused person is remembered by the code alone."""


async def invite_members(
    tx: IdentityStore, mails: AccountMails, caller: Caller, command: InviteMembers
) -> MembersInvited | Refusal:
    """Invite those people of whom nothing speaks against it, each by a mail in their language.

    Of one person: MALFORMED, IN_THE_PAST, NOT_FOUND (a site that is not the organisation's), ALREADY_MEMBER,
    ALREADY_INVITED. The call is refused with these if nobody can be invited, with TOO_MANY_INVITATIONS if the
    organisation has sent too many, and with IDEMPOTENCY_CONFLICT.
    """
    members = command.members
    if not members:
        return Refusal(problems=[malformed("members", reason="REQUIRED")])
    if len(members) > MAX_INVITATIONS:
        return Refusal(problems=[malformed("members", reason="TOO_MANY", most=MAX_INVITATIONS)])
    organisation_id = read_id("org", command.organisation_id)
    results: list[str] = []

    async def invite() -> MembersInvited | Refusal:
        # The organisation's row is locked: of two equal invitations at once, one is the first.
        await tx.organisations.lock(organisation_id)
        refused = await _find_refused(tx, organisation_id, members)
        accepted = len(members) - len(refused)
        if not accepted:
            return Refusal(problems=[problem for problems in refused.values() for problem in problems])
        if refusal := await check_invitation_limit(tx, organisation_id, accepted, "members"):
            return refusal
        invited_by = read_id("user", caller.subject_id)
        sender = await find_sender(tx, organisation_id, invited_by)
        invited: list[InvitationRecord | None] = []
        for number, member in enumerate(members):
            if number in refused:
                invited.append(None)
                results.append(refused[number][0].code)
                continue
            invitation = new_invitation(
                new_uuid(),
                organisation_id,
                member,
                access_record(member.access),
                invited_by,
                tx.now,
            )
            await _add(tx, mails, caller, invitation, sender)
            invited.append(invitation)
            results.append(write_id("invitation", invitation.id))
        return _outcomes(tx, invited, refused)

    async def read_again(kept: Sequence[Id]) -> MembersInvited | None:
        found = [
            await tx.invitations.by_id(invitation_id) if (invitation_id := find_id("invitation", one)) else None
            for one in kept
        ]
        refused = {
            number: invited_problems(members[number], tx.today, "members", str(number)) or [_problem(code, number)]
            for number, code in enumerate(kept)
            if not find_id("invitation", code)
        }
        return _outcomes(tx, found, refused)

    return await tx.execute_once(
        organisation=command.organisation_id,
        caller=caller.subject_id,
        operation="inviteMembers",
        command=command,
        do=invite,
        ids=lambda _: results,
        read_again={MembersInvited: read_again},
    )


async def unknown_sites(
    tx: IdentityStore, organisation_id: uuid.UUID, access: MemberAccess, *path: str
) -> list[Problem]:
    """Return NOT_FOUND for each site of an access that is not the organisation's."""
    ids = [find_id("site", text) for text in access.site_ids or ()]
    known = await tx.sites.of_organisation(organisation_id, {one for one in ids if one}) if ids else set()
    return [
        Problem(code="NOT_FOUND", path=[*path, "siteIds", str(place)])
        for place, site_id in enumerate(ids)
        if site_id not in known
    ]


def access_record(access: MemberAccess) -> AccessRecord:
    """Return an access whose sites are known."""
    site_ids = None if access.site_ids is None else sorted({read_id("site", text) for text in access.site_ids})
    return AccessRecord(role=access.role, billing=access.billing, site_ids=site_ids, until=access.until)


async def _find_refused(
    tx: IdentityStore, organisation_id: uuid.UUID, members: Sequence[InvitedMember]
) -> dict[int, list[Problem]]:
    """Return the problems of those who can't be invited, by their place."""
    emails = {member.email.lower() for member in members}
    present = await tx.members.emails(organisation_id, emails, tx.today)
    pending = await tx.invitations.pending_emails(organisation_id, emails, tx.now)
    refused: dict[int, list[Problem]] = {}
    for number, member in enumerate(members):
        path = ("members", str(number))
        problems = invited_problems(member, tx.today, *path)
        problems = problems or await unknown_sites(tx, organisation_id, member.access, *path, "access")
        problems = problems or _taken(member.email.lower(), number, present, pending)
        if problems:
            refused[number] = problems
        else:
            pending.add(member.email.lower())
    return refused


def _taken(email: str, number: int, present: Collection[str], pending: Collection[str]) -> list[Problem]:
    path = ["members", str(number), "email"]
    if email in present:
        return [Problem(code="ALREADY_MEMBER", path=path)]
    return [Problem(code="ALREADY_INVITED", path=path)] if email in pending else []


def _problem(code: str, number: int) -> Problem:
    return Problem(code=code, path=["members", str(number), _PATH_OF_CODE.get(code, "access")])


async def _add(
    tx: IdentityStore, mails: AccountMails, caller: Caller, invitation: InvitationRecord, sender: InvitationSender
) -> None:
    await tx.invitations.add(invitation, await send_invitation(tx, mails, invitation, sender))
    tx.audit(
        AuditEntry(
            actor=caller.subject_id,
            action="MEMBER_INVITED",
            subject=write_id("invitation", invitation.id),
            organisation_id=write_id("org", invitation.organisation_id),
        )
    )


def _outcomes(
    tx: IdentityStore, invited: Sequence[InvitationRecord | None], refused: dict[int, list[Problem]]
) -> MembersInvited:
    return MembersInvited(
        outcomes=[
            InvitationOutcome(
                invitation=invitation_response(invitation, tx.now) if invitation else None,
                problems=refused.get(number, []),
            )
            for number, invitation in enumerate(invited)
        ]
    )
