"""The mails of a request by a user who can't sign in (I4, I6), each once."""

import uuid
from collections.abc import Sequence

from services.identity.domain.access import UserRecord
from services.identity.domain.link import LinkPurpose
from services.identity.usecases.ports.transaction import IdentityStore, Work
from services.identity.usecases.request_recovery import Recovery, SendRecoveryMails
from services.identity.usecases.send_account_mail import AccountMails, send_link, send_usernames


async def send_recovery_mails(work: Work, mails: AccountMails, job: SendRecoveryMails) -> None:
    """Send each active user what was requested; a repetition of the job sends nothing again.

    An address that is not verified gets a link that verifies it: also the one to a new password does.
    """
    async with work() as tx:
        users = [
            user for user_id in sorted(job.user_ids) if (user := await tx.users.lock_by_id(user_id)) and user.active
        ]
        verified = [user for user in users if user.email_verified_at is not None]
        match job.recovery:
            case Recovery.RESET_PASSWORD:
                await _send_links(tx, mails, job, users, LinkPurpose.RESET_PASSWORD)
            case Recovery.UNLOCK:
                await _send_links(tx, mails, job, verified, LinkPurpose.UNLOCK)
            case Recovery.USERNAMES:
                if verified:
                    await send_usernames(tx, mails, verified, job.request_id)
                unverified = [user for user in users if user.email_verified_at is None]
                await _send_links(tx, mails, job, unverified, LinkPurpose.VERIFY_EMAIL)


async def _send_links(
    tx: IdentityStore,
    mails: AccountMails,
    job: SendRecoveryMails,
    users: Sequence[UserRecord],
    purpose: LinkPurpose,
) -> None:
    for user in users:
        await send_link(tx, mails, user, purpose, link_id=uuid.uuid5(job.request_id, str(user.id)))
