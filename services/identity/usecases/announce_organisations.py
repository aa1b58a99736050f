"""Stating every organisation again, for those who keep copies."""

import uuid

from services.identity.usecases.import_organisations import organisation_stated_event
from services.identity.usecases.ports import IdentityStore


async def announce_organisations(tx: IdentityStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """State the organisations with the next ids."""
    organisations = await tx.organisations_after(after, limit)
    for organisation in organisations:
        tx.emit(organisation_stated_event(organisation))
    return [organisation.id for organisation in organisations]
