"""Stating every container again, for those who keep copies."""

import uuid

from services.sites.usecases.import_containers import container_stated_event
from services.sites.usecases.ports import SitesStore


async def announce_containers(tx: SitesStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """State the containers with the next ids."""
    containers = await tx.containers_after(after, limit)
    for container in containers:
        tx.emit(container_stated_event(container))
    return [container.id for container in containers]
