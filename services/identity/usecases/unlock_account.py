"""The end of the wait after too many failed sign-ins, by the link that was sent (I6)."""

from services.contracts.identity.accounts import AccountUnlocked
from services.contracts.values import Refusal, refuse
from services.identity.domain.attempts import Scope
from services.identity.domain.link import LinkPurpose
from services.identity.domain.names import username_key
from services.identity.usecases.limit_attempts import counter_of
from services.identity.usecases.lock_link import lock_link
from services.identity.usecases.ports.transaction import Work


async def unlock_account(work: Work, pepper: bytes, token: str) -> AccountUnlocked | Refusal:
    """Forget the failed sign-ins of an account. Refused with INVALID_LINK."""
    async with work() as tx:
        found = await lock_link(tx, pepper, token, LinkPurpose.UNLOCK)
        if found is None:
            return refuse("INVALID_LINK", "token")
        link, user = found
        await tx.links.mark_used(link.id, tx.now)
        await tx.attempts.refund([counter_of(pepper, Scope.USERNAME, username_key(user.username))])
    return AccountUnlocked()
