"""The confirmation of a change of address by staff, for a user who can't read the old one's mail any more (I5)."""

from collections.abc import Sequence

from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import read_id, write_id
from services.contracts.identity.accounts import ApproveEmailChange, EmailChangeConfirmed
from services.contracts.values import Id, Refusal, refuse
from services.identity.domain.email_change import confirm
from services.identity.domain.link import LinkPurpose
from services.identity.domain.names import username_key
from services.identity.usecases.confirm_email_change import complete_email_change
from services.identity.usecases.ports.transaction import Work
from services.identity.usecases.send_account_mail import AccountMails


async def approve_email_change(
    work: Work, mails: AccountMails, staff_id: Id, command: ApproveEmailChange
) -> EmailChangeConfirmed | Refusal:
    """Confirm a change in place of the old address, which is told of it all the same. Refused with NOT_FOUND.

    The new address has to confirm it by its own link, before or after.
    """
    email = command.email.strip().casefold()
    async with work() as tx:

        async def approve() -> EmailChangeConfirmed | Refusal:
            found = await tx.users.by_username(username_key(command.username))
            user = await tx.users.lock_by_id(found.id) if found else None
            change = await tx.email_changes.of(user.id) if user else None
            is_meant = change is not None and change.email.casefold() == email and tx.now < change.expires_at
            if user is None or change is None or not is_meant:
                return refuse("NOT_FOUND", "username")
            change = confirm(change, LinkPurpose.CONFIRM_OLD_EMAIL)
            await tx.links.end(user.id, LinkPurpose.CONFIRM_OLD_EMAIL)
            await complete_email_change(tx, mails, user, change)
            user_ids.append(write_id("user", user.id))
            tx.audit(AuditEntry(actor=staff_id, action="EMAIL_CHANGE_APPROVED", subject=user_ids[0]))
            return EmailChangeConfirmed(changed=change.confirmed)

        async def read_again(ids: Sequence[Id]) -> EmailChangeConfirmed | None:
            user = await tx.users.by_id(read_id("user", ids[0]))
            return EmailChangeConfirmed(changed=user.email.casefold() == email) if user else None

        user_ids: list[Id] = []
        return await tx.execute_once(
            organisation="",
            caller=staff_id,
            operation="approveEmailChange",
            command=command,
            do=approve,
            ids=lambda confirmed: user_ids,
            read_again={EmailChangeConfirmed: read_again},
        )
