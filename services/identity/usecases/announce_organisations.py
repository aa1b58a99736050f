"""The announcement of all organisations, for services that keep copies."""

import uuid

from services.identity.mapping.events import organisation_stated_event
from services.identity.usecases.ports.transaction import IdentityStore


async def announce_organisations(tx: IdentityStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """State the organisations with the next ids."""
    organisations = await tx.organisations.after(after, limit)
    for organisation in organisations:
        tx.emit(organisation_stated_event(organisation))
    return [organisation.id for organisation in organisations]
