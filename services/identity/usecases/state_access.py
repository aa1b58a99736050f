"""The statement of a subject's access to this service's own copy and to all others."""

import uuid

from services.access.access_parts import split_access
from services.identity.domain.access import PartnerRecord, UserRecord
from services.identity.mapping.events import access_of
from services.identity.usecases.ports.transaction import IdentityStore


async def state_changed_access(tx: IdentityStore, user_id: uuid.UUID) -> None:
    """State the access of a user whose memberships were changed, in a new version."""
    await state_access(tx, await tx.users.raise_version(user_id))


async def state_access(tx: IdentityStore, subject: UserRecord | PartnerRecord) -> None:
    """State the access of a user or partner. Every new ``version`` is stated, and only here."""
    stated = access_of(subject)
    await tx.access.upsert(stated)
    for part in split_access(stated):
        tx.emit(part)
