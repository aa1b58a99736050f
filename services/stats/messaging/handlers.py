"""What stats listens to."""

from services.access import copy
from services.chassis.consumer import Handlers
from services.chassis.envelope import Received
from services.chassis.ids import read_id
from services.contracts.identity import AccessStated, OrganisationStated
from services.contracts.orders import PickupRecorded
from services.stats.domain.pickup import PickupFact
from services.stats.store.transaction import StatsTransaction
from services.stats.usecases.record_pickup import record_pickup


async def organisation_stated(tx: StatsTransaction, event: Received[OrganisationStated]) -> None:
    """Stats knows an organisation by its customer number, for imports."""
    stated = event.data
    await tx.keep_organisation(read_id("org", stated.organisation_id), stated.customer_number, stated.version)


async def pickup_recorded(tx: StatsTransaction, event: Received[PickupRecorded]) -> None:
    """What became of a pickup is kept, and counted once it was emptied."""
    recorded = event.data
    pickup = PickupFact(
        id=read_id("pickup", recorded.pickup_id),
        organisation_id=read_id("org", recorded.organisation_id),
        site_id=read_id("site", recorded.site_id),
        agreement_id=read_id("agreement", recorded.agreement_id),
        order_id=read_id("order", recorded.order_id) if recorded.order_id else None,
        article_id=read_id("article", recorded.article_id),
        fraction=recorded.fraction,
        date=recorded.date,
        state=recorded.state,
        done_at=recorded.done_at,
        grams=recorded.grams,
        version=recorded.version,
    )
    await record_pickup(tx, pickup)


HANDLERS: Handlers[StatsTransaction] = {
    AccessStated: copy.access_stated,
    OrganisationStated: organisation_stated,
    PickupRecorded: pickup_recorded,
}
