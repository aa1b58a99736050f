"""A change of the caller's own password (I5)."""

from services.access.caller import Caller
from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import find_id, read_id
from services.contracts.identity.accounts import PasswordChanged
from services.contracts.values import Refusal, refuse
from services.identity.domain.account import change_account
from services.identity.domain.attempts import Scope
from services.identity.domain.link import LinkPurpose
from services.identity.domain.password import password_problem
from services.identity.mapping.account_mail import NoticeMail
from services.identity.usecases.end_session import end_sessions
from services.identity.usecases.limit_attempts import count_in_windows, counter_of
from services.identity.usecases.ports.passwords import Passwords
from services.identity.usecases.ports.transaction import Work
from services.identity.usecases.send_account_mail import AccountMails, send_notice


async def change_password(
    work: Work, passwords: Passwords, mails: AccountMails, caller: Caller, current: str, new: str
) -> PasswordChanged | Refusal:
    """Change the password, and end all sessions but the caller's own.

    Wrong ones are counted apart from sign-ins. Refused with WRONG_PASSWORD, WEAK_PASSWORD, TOO_MANY_ATTEMPTS.
    """
    user_id = read_id("user", caller.subject_id)
    counter = counter_of(mails.pepper, Scope.CURRENT_PASSWORD, caller.subject_id)
    async with work() as tx:
        user = await tx.users.by_id(user_id)
        refusal = await count_in_windows(tx, counter)
    if refusal is not None:
        return refusal
    if user is None or not await passwords.verify(user.password_hash, current):
        return refuse("WRONG_PASSWORD", "currentPassword")
    if problem := password_problem(new, user.username, "newPassword"):
        return Refusal(problems=[problem])
    password_hash = await passwords.hash(new)
    async with work() as tx:
        locked = await tx.users.lock_by_id(user_id)
        if locked is None or locked.password_hash != user.password_hash:
            return refuse("WRONG_PASSWORD", "currentPassword")
        changed = change_account(locked, password_hash=password_hash)
        await tx.users.save_account(changed)
        await tx.links.end(user_id, LinkPurpose.RESET_PASSWORD)
        await tx.attempts.refund([counter])
        ended = await end_sessions(tx, user_id, but=find_id("session", caller.session_id))
        tx.audit(AuditEntry(actor=caller.subject_id, action="PASSWORD_CHANGED", subject=caller.subject_id))
        await send_notice(tx, mails, changed, NoticeMail.PASSWORD_CHANGED, sessions_ended=ended)
    return PasswordChanged(sessions_ended=ended)
