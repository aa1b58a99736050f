"""What sites listens to."""

from services.access import copy
from services.chassis.envelope import Received
from services.chassis.handlers import Handlers
from services.chassis.ids import read_id
from services.contracts.identity import OrganisationStated
from services.sites.store.transaction import SitesTransaction


async def organisation_stated(tx: SitesTransaction, event: Received[OrganisationStated]) -> None:
    """Sites knows an organisation by its customer number, for imports."""
    stated = event.data
    await tx.keep_organisation(read_id("org", stated.organisation_id), stated.customer_number, stated.version)


HANDLERS: Handlers[SitesTransaction] = {
    **copy.HANDLERS,
    OrganisationStated: organisation_stated,
}
