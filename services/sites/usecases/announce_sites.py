"""The announcement of all sites, for services that keep copies."""

import uuid

from services.sites.mapping.events import site_stated_event
from services.sites.usecases.ports.transaction import SitesStore


async def announce_sites(tx: SitesStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """State the sites with the next ids."""
    sites = await tx.sites.after(after, limit)
    for site in sites:
        tx.emit(site_stated_event(site))
    return [site.id for site in sites]
