"""A change of the caller's own username (I5)."""

from services.contracts.identity.accounts import AccountChanged, ChangeUsername
from services.contracts.values import Conflict, Id, Refusal
from services.identity.domain.access import UserRecord
from services.identity.domain.account import change_account
from services.identity.domain.names import normalise_username, username_problem
from services.identity.mapping.account_mail import NoticeMail
from services.identity.usecases.change_account import change_own_account
from services.identity.usecases.ports.transaction import IdentityStore, Work
from services.identity.usecases.send_account_mail import AccountMails, send_notice


async def change_username(
    work: Work, mails: AccountMails, user_id: Id, command: ChangeUsername
) -> AccountChanged | Conflict | Refusal:
    """Rename the caller, and tell them. Refused with MALFORMED, USERNAME_TAKEN."""
    username = normalise_username(command.username)

    async def change(tx: IdentityStore, user: UserRecord) -> UserRecord | Refusal:
        if problem := username_problem(username):
            return Refusal(problems=[problem])
        changed = change_account(user, username=username)
        await send_notice(tx, mails, changed, NoticeMail.USERNAME_CHANGED)
        return changed

    return await change_own_account(work, user_id, "changeUsername", "USERNAME_CHANGED", command, change)
