"""Handlers of the events that sites subscribes to."""

from services.access import copy
from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.ids import read_id
from services.contracts.identity.events import OrganisationStated
from services.sites.store.transaction import SitesTransaction
from services.sites.usecases.ports.transaction import SitesStore


async def handle_organisation_stated(tx: SitesStore, event: ReceivedEvent[OrganisationStated]) -> None:
    """Keep an organisation by its customer number, for imports and searches."""
    stated = event.data
    await tx.organisations.upsert(read_id("org", stated.organisation_id), stated.customer_number, stated.version)


HANDLERS: Handlers[SitesTransaction] = {
    **copy.HANDLERS,
    OrganisationStated: handle_organisation_stated,
}
