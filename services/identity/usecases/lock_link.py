"""The look-up of a one-time link by its secret."""

from services.identity.domain.access import UserRecord
from services.identity.domain.link import Link, LinkPurpose, is_valid
from services.identity.domain.secret import digest
from services.identity.usecases.ports.transaction import IdentityStore
from services.identity.usecases.send_account_mail import LINK


async def lock_link(
    tx: IdentityStore, pepper: bytes, secret: str, *purposes: LinkPurpose
) -> tuple[Link, UserRecord] | None:
    """Return a valid link of one of these purposes and its user, who is locked; None if there is none.

    The secret has 256 random bits, so that attempts are not counted.
    """
    secret_digest = digest(pepper, LINK, secret)
    found = await tx.links.find(secret_digest)
    user = await tx.users.lock_by_id(found.user_id) if found else None
    # Again, under the lock: it may have been used, or ended by a later one, meanwhile.
    link = await tx.links.find(secret_digest) if user else None
    if link is None or user is None or not user.active or link.purpose not in purposes or not is_valid(link, tx.now):
        return None
    return link, user
