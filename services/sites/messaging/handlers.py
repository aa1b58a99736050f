"""What sites listens to."""

from services.access import copy
from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.ids import read_id
from services.contracts.identity import OrganisationStated
from services.sites.store.transaction import SitesTransaction


async def handle_organisation_stated(tx: SitesTransaction, event: ReceivedEvent[OrganisationStated]) -> None:
    """Sites knows an organisation by its customer number, for imports."""
    stated = event.data
    await tx.upsert_organisation(read_id("org", stated.organisation_id), stated.customer_number, stated.version)


HANDLERS: Handlers[SitesTransaction] = {
    **copy.HANDLERS,
    OrganisationStated: handle_organisation_stated,
}
