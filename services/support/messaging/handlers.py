"""What support listens to."""

from services.access import copy
from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.ids import read_id
from services.contracts.sites import SiteStated
from services.support.domain.ticket import SiteCopy
from services.support.store.transaction import SupportTransaction


async def handle_site_stated(tx: SupportTransaction, event: ReceivedEvent[SiteStated]) -> None:
    """Support knows whose a site is, to tell who may write about it, and its number, to name it in mail."""
    stated = event.data
    site = SiteCopy(
        id=read_id("site", stated.site_id),
        organisation_id=read_id("org", stated.organisation_id),
        site_number=stated.site_number,
    )
    await tx.upsert_site(site, stated.version)


HANDLERS: Handlers[SupportTransaction] = {
    **copy.HANDLERS,
    SiteStated: handle_site_stated,
}
