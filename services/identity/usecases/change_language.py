"""A change of the language of the caller's mails and messages (I5)."""

from services.contracts.identity.accounts import AccountChanged, ChangeLanguage
from services.contracts.values import Conflict, Id, Refusal
from services.identity.domain.access import UserRecord
from services.identity.domain.account import change_account
from services.identity.mapping.account_mail import NoticeMail
from services.identity.usecases.change_account import change_own_account
from services.identity.usecases.ports.transaction import IdentityStore, Work
from services.identity.usecases.send_account_mail import AccountMails, send_notice


async def change_language(
    work: Work, mails: AccountMails, user_id: Id, command: ChangeLanguage
) -> AccountChanged | Conflict | Refusal:
    """Change the language, and tell the caller in the new one."""

    async def change(tx: IdentityStore, user: UserRecord) -> UserRecord | Refusal:
        changed = change_account(user, language=command.language)
        await send_notice(tx, mails, changed, NoticeMail.LANGUAGE_CHANGED)
        return changed

    return await change_own_account(work, user_id, "changeLanguage", "LANGUAGE_CHANGED", command, change)
