"""What support listens to."""

from services.access import copy
from services.chassis.envelope import Received
from services.chassis.handlers import Handlers
from services.chassis.ids import read_id
from services.contracts.sites import SiteStated
from services.support.domain.ticket import Site
from services.support.store.transaction import SupportTransaction


async def site_stated(tx: SupportTransaction, event: Received[SiteStated]) -> None:
    """Support knows whose a site is, to tell who may write about it, and its number, to name it in mail."""
    stated = event.data
    site = Site(
        id=read_id("site", stated.site_id),
        organisation_id=read_id("org", stated.organisation_id),
        site_number=stated.site_number,
    )
    await tx.keep_site(site, stated.version)


HANDLERS: Handlers[SupportTransaction] = {
    **copy.HANDLERS,
    SiteStated: site_stated,
}
