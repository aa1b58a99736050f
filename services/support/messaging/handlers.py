"""Handlers of the events that support subscribes to."""

from services.access import copy
from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.ids import read_id
from services.contracts.sites import SiteStated
from services.support.domain.ticket import SiteCopy
from services.support.store.transaction import SupportTransaction
from services.support.usecases.ports.transaction import SupportStore


async def handle_site_stated(tx: SupportStore, event: ReceivedEvent[SiteStated]) -> None:
    """Copy a site: its organisation decides who may write about it, and mails name its number."""
    stated = event.data
    site = SiteCopy(
        id=read_id("site", stated.site_id),
        organisation_id=read_id("org", stated.organisation_id),
        site_number=stated.site_number,
    )
    await tx.sites.upsert(site, stated.version)


HANDLERS: Handlers[SupportTransaction] = {
    **copy.HANDLERS,
    SiteStated: handle_site_stated,
}
