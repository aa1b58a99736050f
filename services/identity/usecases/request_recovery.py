"""Requests for what was forgotten (I4): the answer is the same, after the same work, for known and unknown accounts."""

import enum
import uuid
from collections.abc import Sequence

from services.chassis.ids import new_uuid
from services.chassis.jobs.job import Job
from services.contracts.address_formats import email_problems
from services.contracts.identity.accounts import RecoveryRequested
from services.contracts.values import Refusal
from services.identity.domain.attempts import AttemptCounter, Scope
from services.identity.domain.names import username_key
from services.identity.usecases.limit_attempts import count_in_windows, counter_of, mail_counter
from services.identity.usecases.ports.transaction import IdentityStore, Work


class Recovery(enum.Enum):
    """The kinds of help for a user who can't sign in."""

    USERNAMES = "USERNAMES"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 - a kind of help, not a secret
    UNLOCK = "UNLOCK"


class SendRecoveryMails(Job, frozen=True, kw_only=True, tag="send-recovery-mails"):
    """The job that sends the mails of a request. One for an unknown account names no users, and does nothing."""

    request_id: uuid.UUID
    recovery: Recovery
    user_ids: Sequence[uuid.UUID]


async def request_username(work: Work, pepper: bytes, email: str, address: str) -> RecoveryRequested | Refusal:
    """Have the usernames of an e-mail address sent there. Refused with MALFORMED, TOO_MANY_ATTEMPTS."""
    email = email.strip()
    if problems := email_problems(email, "email"):
        return Refusal(problems=problems)
    async with work() as tx:
        if refusal := await _count(tx, pepper, address, mail_counter(pepper, "requestUsername", email)):
            return refusal
        request_recovery(tx, Recovery.USERNAMES, await tx.users.ids_by_email(email))
    return RecoveryRequested()


async def request_password_reset(work: Work, pepper: bytes, account: str, address: str) -> RecoveryRequested | Refusal:
    """Have links to new passwords sent to the accounts of a username or an address. Refused with TOO_MANY_ATTEMPTS."""
    async with work() as tx:
        if refusal := await _count(tx, pepper, address, mail_counter(pepper, "requestPasswordReset", account)):
            return refusal
        users = await tx.users.ids_by_name_or_email(username_key(account), account.strip())
        request_recovery(tx, Recovery.RESET_PASSWORD, users)
    return RecoveryRequested()


def request_recovery(tx: IdentityStore, recovery: Recovery, user_ids: Sequence[uuid.UUID]) -> None:
    """Enqueue the mails of a request, also of one that has none: so the answer says nothing of the account."""
    tx.enqueue(SendRecoveryMails(request_id=new_uuid(), recovery=recovery, user_ids=user_ids))


async def _count(tx: IdentityStore, pepper: bytes, address: str, mails: AttemptCounter) -> Refusal | None:
    return await count_in_windows(tx, counter_of(pepper, Scope.ADDRESS, address), mails)
