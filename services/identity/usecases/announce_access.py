"""The announcement of the access of all subjects, to this service's own copy and to all others."""

import uuid

from services.identity.usecases.ports.transaction import IdentityStore
from services.identity.usecases.state_access import state_access


async def announce_users(tx: IdentityStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """State the access of the users with the next ids."""
    users = await tx.users.after(after, limit)
    for user in users:
        await state_access(tx, user)
    return [user.id for user in users]


async def announce_partners(tx: IdentityStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """State the access of the partners with the next ids."""
    partners = await tx.partners.after(after, limit)
    for partner in partners:
        await state_access(tx, partner)
    return [partner.id for partner in partners]
