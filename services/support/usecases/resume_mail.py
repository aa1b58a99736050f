"""Mail to an address from which mails came back: its state, and its new beginning by the user or the staff."""

from collections.abc import Sequence

from services.access.caller import Caller
from services.chassis.audit.entry import AuditEntry
from services.chassis.events.transaction import UnitOfWork
from services.chassis.ids import find_id
from services.contracts.support.mail_suppressions import (
    LiftMailSuppression,
    MailResumed,
    MailSuppressionLifted,
    OwnMailSuppression,
    ResumeMail,
)
from services.contracts.values import Id, Refusal, refuse
from services.support.domain.limits import WINDOW, MessageLimits, digest_of, limit_refusal
from services.support.domain.mail_suppression import MailSuppressionRecord
from services.support.usecases.ports.recipients import Recipients
from services.support.usecases.ports.transaction import SupportStore


async def read_own_suppression(
    work: UnitOfWork[SupportStore], recipients: Recipients, caller: Caller
) -> OwnMailSuppression | None:
    """Return the suppression of the caller's address as it is now: another address has none."""
    address = await _address_of(recipients, caller)
    async with work() as tx:
        suppression = await find_suppression(tx, address)
    if suppression is None:
        return None
    return OwnMailSuppression(reason=suppression.reason, since=suppression.since, until=suppression.until)


async def find_suppression(tx: SupportStore, address: str) -> MailSuppressionRecord | None:
    """Return the suppression of the address with this digest; None if mail is sent to it."""
    return (await tx.mail_suppressions.of([address], tx.now)).get(address)


async def resume_mail(
    work: UnitOfWork[SupportStore], recipients: Recipients, caller: Caller, limits: MessageLimits, command: ResumeMail
) -> MailResumed | Refusal:
    """Lift the suppression of the caller's address; do nothing if it has none."""
    address = await _address_of(recipients, caller)
    async with work() as tx:

        async def do() -> MailResumed | Refusal:
            if await find_suppression(tx, address) is None:
                return MailResumed()
            await tx.tickets.lock_limits(caller.subject_id)
            since = tx.now - WINDOW
            full_since = await tx.mail_suppressions.nth_newest_resumption(caller.subject_id, limits.resume, since)
            if full_since and (refusal := limit_refusal([full_since], tx.now)):
                return refusal
            await tx.mail_suppressions.add_resumption(caller.subject_id, tx.now)
            await tx.mail_suppressions.lift(address)
            return MailResumed()

        async def read_again(ids: Sequence[Id]) -> MailResumed | None:
            return MailResumed()

        return await tx.execute_once(
            organisation="",
            caller=caller.subject_id,
            operation="resumeMail",
            command=command,
            do=do,
            ids=lambda resumed: [],
            read_again={MailResumed: read_again},
        )


async def lift_mail_suppression(
    tx: SupportStore, caller: Caller, command: LiftMailSuppression
) -> MailSuppressionLifted | Refusal:
    """Lift a suppression, with an entry in the audit log. Refused with NOT_FOUND if it is no more."""

    async def do() -> MailSuppressionLifted | Refusal:
        suppression_id = find_id("suppression", command.id)
        suppression = await tx.mail_suppressions.lock_by_id(suppression_id) if suppression_id else None
        if suppression is None:
            return refuse("NOT_FOUND", "id")
        await tx.mail_suppressions.lift(suppression.address)
        tx.audit(AuditEntry(actor=caller.subject_id, action="MAIL_SUPPRESSION_LIFTED", subject=command.id))
        return MailSuppressionLifted()

    async def read_again(ids: Sequence[Id]) -> MailSuppressionLifted | None:
        return MailSuppressionLifted()

    return await tx.execute_once(
        organisation="",
        caller=caller.subject_id,
        operation="liftMailSuppression",
        command=command,
        do=do,
        ids=lambda lifted: [],
        read_again={MailSuppressionLifted: read_again},
    )


async def _address_of(recipients: Recipients, caller: Caller) -> str:
    """Return the digest of the caller's address. Raise NotReadyYet while identity does not answer."""
    contact = await recipients.contact_of(caller.subject_id)
    return digest_of(contact.email.casefold()) if contact and contact.email else ""
