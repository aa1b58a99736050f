"""The begin of a change of the caller's own address, which both addresses confirm (I5)."""

from services.contracts.address_formats import email_problems
from services.contracts.identity.accounts import AccountChanged, ChangeEmail
from services.contracts.values import Conflict, Id, Refusal
from services.identity.domain.access import UserRecord
from services.identity.domain.account import change_account
from services.identity.domain.email_change import new_email_change
from services.identity.domain.link import LinkPurpose
from services.identity.usecases.change_account import change_own_account
from services.identity.usecases.limit_attempts import count_in_windows, mail_counter
from services.identity.usecases.ports.transaction import IdentityStore, Work
from services.identity.usecases.send_account_mail import AccountMails, send_link


async def change_email(
    work: Work, mails: AccountMails, user_id: Id, command: ChangeEmail
) -> AccountChanged | Conflict | Refusal:
    """Send links to both addresses, in place of those of an earlier change; to an old one only if it is verified.

    The present address withdraws a change. Refused with MALFORMED, TOO_MANY_ATTEMPTS.
    """
    email = command.email.strip()

    async def change(tx: IdentityStore, user: UserRecord) -> UserRecord | Refusal:
        if problems := email_problems(email, "email"):
            return Refusal(problems=problems)
        await tx.email_changes.delete(user.id)
        await tx.links.end(user.id, LinkPurpose.CONFIRM_NEW_EMAIL, LinkPurpose.CONFIRM_OLD_EMAIL)
        if email != user.email:
            if refusal := await count_in_windows(tx, mail_counter(mails.pepper, "changeEmail", email)):
                return refusal
            old_verified = user.email_verified_at is not None
            await tx.email_changes.save(new_email_change(user.id, email, old_verified=old_verified, now=tx.now))
            await send_link(tx, mails, user, LinkPurpose.CONFIRM_NEW_EMAIL, to=email, new_email=email)
            if old_verified:
                await send_link(tx, mails, user, LinkPurpose.CONFIRM_OLD_EMAIL, new_email=email)
        return change_account(user)

    return await change_own_account(work, user_id, "changeEmail", "EMAIL_CHANGE_REQUESTED", command, change)
