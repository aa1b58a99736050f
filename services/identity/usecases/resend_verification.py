"""Another link that verifies the caller's address (I6)."""

from collections.abc import Sequence

from services.chassis.ids import read_id
from services.contracts.identity.accounts import ResendVerification, VerificationSent
from services.contracts.values import Id, Refusal, refuse
from services.identity.domain.link import LinkPurpose
from services.identity.usecases.limit_attempts import count_in_windows, mail_counter
from services.identity.usecases.ports.transaction import Work
from services.identity.usecases.send_account_mail import AccountMails, send_link


async def resend_verification(
    work: Work, mails: AccountMails, user_id: Id, command: ResendVerification
) -> VerificationSent | Refusal:
    """Send a link once for each key. Refused with ALREADY_VERIFIED, TOO_MANY_ATTEMPTS."""
    async with work() as tx:

        async def send() -> VerificationSent | Refusal:
            user = await tx.users.lock_by_id(read_id("user", user_id))
            if user is None:
                return refuse("NOT_FOUND")
            if user.email_verified_at is not None:
                return refuse("ALREADY_VERIFIED")
            if refusal := await count_in_windows(tx, mail_counter(mails.pepper, "resendVerification", user.email)):
                return refusal
            await send_link(tx, mails, user, LinkPurpose.VERIFY_EMAIL)
            return VerificationSent(email=user.email)

        async def read_again(ids: Sequence[Id]) -> VerificationSent | None:
            user = await tx.users.by_id(read_id("user", ids[0]))
            return VerificationSent(email=user.email) if user else None

        return await tx.execute_once(
            organisation="",
            caller=user_id,
            operation="resendVerification",
            command=command,
            do=send,
            ids=lambda sent: [user_id],
            read_again={VerificationSent: read_again},
        )
