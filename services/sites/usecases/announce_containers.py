"""The announcement of all containers, for services that keep copies."""

import uuid

from services.sites.mapping.events import container_stated_event
from services.sites.usecases.ports.transaction import SitesStore


async def announce_containers(tx: SitesStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """State the containers with the next ids."""
    containers = await tx.containers.after(after, limit)
    for container in containers:
        tx.emit(container_stated_event(container))
    return [container.id for container in containers]
