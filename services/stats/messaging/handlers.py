"""What stats listens to."""

from collections.abc import Sequence

from services.access import copy
from services.chassis.events.consume.handlers import Handlers, batch_handler
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.ids import read_id
from services.contracts.identity import OrganisationStated
from services.contracts.orders import PickupFacts, PickupRecorded, PickupStated
from services.stats.domain.pickup import PickupFact
from services.stats.store.transaction import StatsTransaction
from services.stats.usecases.record_pickups import record_pickups


async def handle_organisation_stated(tx: StatsTransaction, event: ReceivedEvent[OrganisationStated]) -> None:
    """Stats knows an organisation by its customer number, for imports."""
    stated = event.data
    await tx.upsert_organisation(read_id("org", stated.organisation_id), stated.customer_number, stated.version)


async def handle_pickups(tx: StatsTransaction, events: Sequence[ReceivedEvent[PickupFacts]]) -> None:
    """What became of pickups is kept, and counted once they were emptied. Recorded or stated again, it is the same."""
    await record_pickups(tx, [_to_fact(event.data) for event in events])


def _to_fact(known: PickupFacts) -> PickupFact:
    return PickupFact(
        id=read_id("pickup", known.pickup_id),
        organisation_id=read_id("org", known.organisation_id),
        site_id=read_id("site", known.site_id),
        agreement_id=read_id("agreement", known.agreement_id),
        order_id=read_id("order", known.order_id) if known.order_id else None,
        article_id=read_id("article", known.article_id),
        fraction=known.fraction,
        date=known.date,
        state=known.state,
        done_at=known.done_at,
        grams=known.grams,
        version=known.version,
    )


HANDLE_PICKUPS = batch_handler(handle_pickups)

HANDLERS: Handlers[StatsTransaction] = {
    **copy.HANDLERS,
    OrganisationStated: handle_organisation_stated,
    PickupRecorded: HANDLE_PICKUPS,
    PickupStated: HANDLE_PICKUPS,
}
