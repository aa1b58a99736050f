"""The verification of a user's address by the link that was sent there."""

from services.contracts.identity.accounts import EmailVerified
from services.contracts.values import Refusal, refuse
from services.identity.domain.account import verify_address
from services.identity.domain.link import LinkPurpose
from services.identity.usecases.lock_link import lock_link
from services.identity.usecases.ports.transaction import Work


async def verify_email(work: Work, pepper: bytes, token: str) -> EmailVerified | Refusal:
    """Verify an address. Refused with INVALID_LINK."""
    async with work() as tx:
        found = await lock_link(tx, pepper, token, LinkPurpose.VERIFY_EMAIL)
        if found is None:
            return refuse("INVALID_LINK", "token")
        link, user = found
        await tx.links.mark_used(link.id, tx.now)
        await tx.users.save_account(verify_address(user, tx.now))
    return EmailVerified(email=user.email)
