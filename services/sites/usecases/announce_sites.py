"""Stating every site again, for those who keep copies."""

import uuid

from services.sites.usecases.import_sites import site_stated_event
from services.sites.usecases.ports import SitesStore


async def announce_sites(tx: SitesStore, after: uuid.UUID, limit: int) -> list[uuid.UUID]:
    """State the sites with the next ids."""
    sites = await tx.sites_after(after, limit)
    for site in sites:
        tx.emit(site_stated_event(site))
    return [site.id for site in sites]
