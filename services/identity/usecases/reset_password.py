"""A new password by the link that was sent to someone who forgot theirs (I4)."""

from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import write_id
from services.contracts.identity.accounts import PasswordChanged
from services.contracts.values import Refusal, refuse
from services.identity.domain.account import change_account, verify_address
from services.identity.domain.link import LinkPurpose
from services.identity.domain.password import password_problem
from services.identity.mapping.account_mail import NoticeMail
from services.identity.usecases.end_session import end_sessions
from services.identity.usecases.lock_link import lock_link
from services.identity.usecases.ports.passwords import Passwords
from services.identity.usecases.ports.transaction import Work
from services.identity.usecases.send_account_mail import AccountMails, send_notice


async def reset_password(
    work: Work, passwords: Passwords, mails: AccountMails, token: str, password: str
) -> PasswordChanged | Refusal:
    """Replace the password of a link's user, verify the address, and end all sessions.

    A password that is refused does not use the link up. Refused with INVALID_LINK, WEAK_PASSWORD.
    """
    async with work() as tx:
        found = await lock_link(tx, mails.pepper, token, LinkPurpose.RESET_PASSWORD)
    if found is None:
        return refuse("INVALID_LINK", "token")
    if problem := password_problem(password, found[1].username):
        return Refusal(problems=[problem])
    password_hash = await passwords.hash(password)
    async with work() as tx:
        found = await lock_link(tx, mails.pepper, token, LinkPurpose.RESET_PASSWORD)
        if found is None:
            return refuse("INVALID_LINK", "token")
        link, user = found
        user = verify_address(change_account(user, password_hash=password_hash), tx.now)
        await tx.users.save_account(user)
        await tx.links.mark_used(link.id, tx.now)
        ended = await end_sessions(tx, user.id)
        user_id = write_id("user", user.id)
        tx.audit(AuditEntry(actor=user_id, action="PASSWORD_RESET", subject=user_id))
        await send_notice(tx, mails, user, NoticeMail.PASSWORD_CHANGED, sessions_ended=ended)
    return PasswordChanged(sessions_ended=ended)
