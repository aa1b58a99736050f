"""The confirmation of a change of address by one of both addresses, or its withdrawal (I5)."""

from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import write_id
from services.contracts.identity.accounts import EmailChangeConfirmed, EmailChangeWithdrawn
from services.contracts.values import Refusal, refuse
from services.identity.domain.access import UserRecord
from services.identity.domain.account import change_account
from services.identity.domain.email_change import EmailChange, confirm
from services.identity.domain.link import LinkPurpose
from services.identity.mapping.account_mail import NoticeMail
from services.identity.usecases.lock_link import lock_link
from services.identity.usecases.ports.transaction import IdentityStore, Work
from services.identity.usecases.send_account_mail import AccountMails, send_notice

_PURPOSES = (LinkPurpose.CONFIRM_NEW_EMAIL, LinkPurpose.CONFIRM_OLD_EMAIL)


async def confirm_email_change(work: Work, mails: AccountMails, token: str) -> EmailChangeConfirmed | Refusal:
    """Confirm a change; with the second confirmation it takes effect. Refused with INVALID_LINK."""
    async with work() as tx:
        found = await lock_link(tx, mails.pepper, token, *_PURPOSES)
        change = await tx.email_changes.of(found[1].id) if found else None
        if found is None or change is None:
            return refuse("INVALID_LINK", "token")
        link, user = found
        change = confirm(change, link.purpose)
        await tx.links.mark_used(link.id, tx.now)
        await complete_email_change(tx, mails, user, change)
    return EmailChangeConfirmed(changed=change.confirmed)


async def withdraw_email_change(work: Work, pepper: bytes, token: str) -> EmailChangeWithdrawn | Refusal:
    """Withdraw a change: the other address's link ends, too. Refused with INVALID_LINK."""
    async with work() as tx:
        found = await lock_link(tx, pepper, token, *_PURPOSES)
        if found is None:
            return refuse("INVALID_LINK", "token")
        _, user = found
        await tx.email_changes.delete(user.id)
        await tx.links.end(user.id, *_PURPOSES)
        await tx.users.save_account(change_account(user))
    return EmailChangeWithdrawn()


async def complete_email_change(tx: IdentityStore, mails: AccountMails, user: UserRecord, change: EmailChange) -> None:
    """Change the address if both have confirmed it, end the links that were sent to the old one, and tell both."""
    if not change.confirmed:
        await tx.email_changes.save(change)
        return
    changed = change_account(user, email=change.email, email_verified_at=tx.now)
    await tx.users.save_account(changed)
    await tx.email_changes.delete(user.id)
    await tx.links.end(user.id, *LinkPurpose)
    user_id = write_id("user", user.id)
    tx.audit(AuditEntry(actor=user_id, action="EMAIL_CHANGED", subject=user_id))
    for one in (user, changed):
        await send_notice(tx, mails, one, NoticeMail.EMAIL_CHANGED, new_email=change.email)
