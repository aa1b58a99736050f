"""The acceptance of an invitation, by an existing user or by a new one (I8)."""

from services.access.caller import Caller
from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.identity.invitations import (
    AcceptInvitation,
    InvitationAccepted,
    InvitationPreview,
    JoinByInvitation,
    JoinedByInvitation,
)
from services.contracts.values import Refusal, refuse
from services.identity.domain.access import UserRecord
from services.identity.domain.attempts import Scope
from services.identity.domain.invitation import InvitationRecord, accepted, is_acceptable
from services.identity.domain.member import MemberRecord, ended, is_present
from services.identity.domain.names import normalise_username
from services.identity.domain.registration import RegistrationRules, account_problems, terms_problems
from services.identity.domain.secret import digest
from services.identity.mapping.member_responses import member_response
from services.identity.usecases.limit_attempts import count_in_windows, counter_of
from services.identity.usecases.ports.passwords import Passwords
from services.identity.usecases.ports.transaction import IdentityStore, Work
from services.identity.usecases.send_account_mail import AccountMails
from services.identity.usecases.send_invitation import INVITATION, send_acceptance
from services.identity.usecases.state_access import state_changed_access


async def preview_invitation(tx: IdentityStore, pepper: bytes, token: str) -> InvitationPreview | Refusal:
    """Return a pending invitation by its secret. Refused with INVITATION_NOT_VALID."""
    invitation = await tx.invitations.by_digest(digest(pepper, INVITATION, token))
    if invitation is None or not is_acceptable(invitation, tx.now, tx.today):
        return refuse("INVITATION_NOT_VALID", "token")
    organisation = await tx.organisations.by_id(invitation.organisation_id)
    assert organisation is not None, "an invitation refers to its organisation"
    return InvitationPreview(
        organisation_name=organisation.facts.name,
        email=invitation.email,
        role=invitation.access.role,
        until=invitation.access.until,
        expires_at=invitation.expires_at,
    )


async def accept_invitation(
    work: Work, mails: AccountMails, caller: Caller, command: AcceptInvitation
) -> InvitationAccepted | Refusal:
    """Make the caller, whose address may be another one, a member; a repetition has no further effect.

    Refused with INVITATION_NOT_VALID, ALREADY_MEMBER.
    """
    async with work() as tx:
        invitation = await _lock(tx, mails, command.token)
        user = await tx.users.by_id(read_id("user", caller.subject_id))
        assert user is not None, "the caller is signed in"
        if invitation is not None and invitation.accepted_by == user.id and invitation.member_id is not None:
            member = await tx.members.by_id(invitation.member_id)
            assert member is not None, "an accepted invitation refers to its member"
            return InvitationAccepted(member=member_response(member, user.username))
        if invitation is None or not is_acceptable(invitation, tx.now, tx.today):
            return refuse("INVITATION_NOT_VALID", "token")
        joined = await _join(tx, mails, invitation, user)
        return (
            joined if isinstance(joined, Refusal) else InvitationAccepted(member=member_response(joined, user.username))
        )


async def join_by_invitation(
    work: Work,
    passwords: Passwords,
    mails: AccountMails,
    rules: RegistrationRules,
    command: JoinByInvitation,
    address: str,
) -> JoinedByInvitation | Refusal:
    """Create an account with the invited address, which the link has verified, and make it a member.

    Refused with MALFORMED, WEAK_PASSWORD, TERMS_REQUIRED, INVITATION_NOT_VALID, USERNAME_TAKEN, TOO_MANY_ATTEMPTS.
    """
    username = normalise_username(command.username)
    async with work() as tx:
        preview = await preview_invitation(tx, mails.pepper, command.token)
        if isinstance(preview, Refusal):
            counted = await count_in_windows(tx, counter_of(mails.pepper, Scope.ADDRESS, address))
            return counted or preview
    problems = account_problems(username, preview.email, command.password)
    if problems := [*problems, *terms_problems(command.terms_version, rules)]:
        return Refusal(problems=problems)
    password_hash = await passwords.hash(command.password)
    async with work() as tx:
        invitation = await _lock(tx, mails, command.token)
        if invitation is None or not is_acceptable(invitation, tx.now, tx.today):
            return refuse("INVITATION_NOT_VALID", "token")
        user = UserRecord(
            id=new_uuid(),
            username=username,
            email=invitation.email,
            email_verified_at=tx.now,
            language=command.language,
            password_hash=password_hash,
            terms_version=command.terms_version,
            terms_accepted_at=tx.now,
        )
        if not await tx.users.add(user, tx.now):
            return refuse("USERNAME_TAKEN", "username")
        joined = await _join(tx, mails, invitation, user)
        assert isinstance(joined, MemberRecord), "a new user is no member yet"
    return JoinedByInvitation(user_id=write_id("user", user.id))


async def _lock(tx: IdentityStore, mails: AccountMails, token: str) -> InvitationRecord | None:
    return await tx.invitations.lock_by_digest(digest(mails.pepper, INVITATION, token))


async def _join(
    tx: IdentityStore, mails: AccountMails, invitation: InvitationRecord, user: UserRecord
) -> MemberRecord | Refusal:
    """Make a user a member by a locked, pending invitation."""
    # The organisation's row is locked: of two memberships at once, one is the first.
    await tx.organisations.lock(invitation.organisation_id)
    former = await tx.members.find(invitation.organisation_id, user.id)
    if former is not None:
        if is_present(former, tx.today):
            return refuse("ALREADY_MEMBER")
        await tx.members.save(ended(former, tx.now))
    member = MemberRecord(
        id=new_uuid(),
        user_id=user.id,
        organisation_id=invitation.organisation_id,
        access=invitation.access,
        since=tx.now,
    )
    await tx.members.add(member)
    changed = accepted(invitation, member, tx.now, other_email=user.email.lower() != invitation.email.lower())
    await tx.invitations.save(changed)
    await state_changed_access(tx, user.id)
    await send_acceptance(tx, mails, changed, user)
    tx.audit(
        AuditEntry(
            actor=write_id("user", user.id),
            action="INVITATION_ACCEPTED",
            subject=write_id("invitation", invitation.id),
            organisation_id=write_id("org", invitation.organisation_id),
        )
    )
    return member
