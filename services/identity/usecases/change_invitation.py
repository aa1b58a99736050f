"""The resending and the withdrawal of an invitation (I7)."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.access.caller import Caller
from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import read_id, write_id
from services.contracts.identity.invitations import (
    Invitation,
    InvitationResent,
    InvitationWithdrawn,
    ResendInvitation,
    WithdrawInvitation,
)
from services.contracts.values import Conflict, Id, MutationResult, Refusal, conflict, refuse
from services.identity.domain.invitation import InvitationRecord, resent, withdrawn
from services.identity.mapping.member_responses import invitation_response
from services.identity.usecases.ports.transaction import IdentityStore
from services.identity.usecases.send_account_mail import AccountMails
from services.identity.usecases.send_invitation import check_invitation_limit, find_sender, send_invitation

R = TypeVar("R", bound=MutationResult)


async def resend_invitation(
    tx: IdentityStore, mails: AccountMails, caller: Caller, command: ResendInvitation
) -> InvitationResent | Conflict | Refusal:
    """Send a pending or expired invitation again, with another link and a new end.

    Refused with INVITATION_DECIDED for one that was accepted or withdrawn, and with TOO_MANY_INVITATIONS.
    """

    async def change(invitation: InvitationRecord) -> InvitationRecord | Refusal:
        if refusal := await check_invitation_limit(tx, invitation.organisation_id, 1):
            return refusal
        await tx.withdraw_mails([invitation.mail_id])
        changed = resent(invitation, tx.now)
        sender = await find_sender(tx, changed.organisation_id, changed.invited_by)
        await tx.invitations.save(changed, await send_invitation(tx, mails, changed, sender))
        return changed

    return await _change(
        tx, caller, "resendInvitation", command, change, lambda one: InvitationResent(invitation=one), InvitationResent
    )


async def withdraw_invitation(
    tx: IdentityStore, caller: Caller, command: WithdrawInvitation
) -> InvitationWithdrawn | Conflict | Refusal:
    """Withdraw a pending or expired invitation. Refused with INVITATION_DECIDED."""

    async def change(invitation: InvitationRecord) -> InvitationRecord | Refusal:
        await tx.withdraw_mails([invitation.mail_id])
        changed = withdrawn(invitation, tx.now)
        await tx.invitations.save(changed)
        return changed

    return await _change(
        tx,
        caller,
        "withdrawInvitation",
        command,
        change,
        lambda one: InvitationWithdrawn(invitation=one),
        InvitationWithdrawn,
    )


_ACTIONS = {"resendInvitation": "INVITATION_RESENT", "withdrawInvitation": "INVITATION_WITHDRAWN"}


async def _change(
    tx: IdentityStore,
    caller: Caller,
    operation: str,
    command: ResendInvitation | WithdrawInvitation,
    change: Callable[[InvitationRecord], Awaitable[InvitationRecord | Refusal]],
    show: Callable[[Invitation], R],
    result: type[R],
) -> R | Conflict | Refusal:
    invitation_id = read_id("invitation", command.id)

    async def do() -> R | Conflict | Refusal:
        invitation = await tx.invitations.lock_by_id(invitation_id)
        assert invitation is not None, "the caller was authorised for it"
        if invitation.version != command.version:
            return conflict(command.id, yours=command.version, now=invitation.version)
        if invitation.decision is not None:
            return refuse("INVITATION_DECIDED", "id")
        changed = await change(invitation)
        if isinstance(changed, Refusal):
            return changed
        tx.audit(
            AuditEntry(
                actor=caller.subject_id,
                action=_ACTIONS[operation],
                subject=command.id,
                organisation_id=write_id("org", invitation.organisation_id),
            )
        )
        return show(invitation_response(changed, tx.now))

    async def read_again(ids: Sequence[Id]) -> R | None:
        invitation = await tx.invitations.by_id(invitation_id)
        return show(invitation_response(invitation, tx.now)) if invitation else None

    return await tx.change_once(
        organisation=command.id,
        caller=caller.subject_id,
        operation=operation,
        command=command,
        do=do,
        ids=lambda _: [command.id],
        read_again={result: read_again},
    )
