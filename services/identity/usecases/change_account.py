"""The frame of changes of the caller's own account, each once for its key and on the version that was read."""

from collections.abc import Awaitable, Callable, Sequence

from services.chassis.audit.entry import AuditEntry
from services.chassis.ids import read_id
from services.contracts.identity.accounts import AccountChanged, ChangeEmail, ChangeLanguage, ChangeUsername
from services.contracts.values import Conflict, Id, Refusal, conflict, refuse
from services.identity.domain.access import UserRecord
from services.identity.usecases.ports.transaction import IdentityStore, Work

Change = Callable[[IdentityStore, UserRecord], Awaitable[UserRecord | Refusal]]
"""Makes a change of a locked user, and returns the user with it, to be saved."""


async def change_own_account(
    work: Work,
    user_id: Id,
    operation: str,
    action: str,
    command: ChangeUsername | ChangeEmail | ChangeLanguage,
    change: Change,
) -> AccountChanged | Conflict | Refusal:
    """Make a change, and write the ``action`` to the audit log."""
    async with work() as tx:

        async def do() -> AccountChanged | Conflict | Refusal:
            user = await tx.users.lock_by_id(read_id("user", user_id))
            if user is None:
                return refuse("NOT_FOUND")
            if user.account_version != command.version:
                return conflict(user_id, yours=command.version, now=user.account_version)
            changed = await change(tx, user)
            if isinstance(changed, Refusal):
                return changed
            if changed.username != user.username and not await tx.users.rename(changed):
                return refuse("USERNAME_TAKEN", "username")
            await tx.users.save_account(changed)
            tx.audit(AuditEntry(actor=user_id, action=action, subject=user_id))
            return AccountChanged(version=changed.account_version)

        async def read_again(ids: Sequence[Id]) -> AccountChanged | None:
            user = await tx.users.by_id(read_id("user", ids[0]))
            return AccountChanged(version=user.account_version) if user else None

        return await tx.change_once(
            organisation="",
            caller=user_id,
            operation=operation,
            command=command,
            do=do,
            ids=lambda changed: [user_id],
            read_again={AccountChanged: read_again},
        )
