"""Handlers of the events that stats subscribes to."""

from collections.abc import Sequence

from services.access import copy
from services.chassis.events.consume.handlers import BatchHandler, Handlers, batch_handler
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.ids import read_id
from services.contracts.identity.events import OrganisationStated
from services.contracts.orders.events import PickupFacts, PickupRecorded, PickupStated
from services.stats.domain.pickup import PickupFact
from services.stats.store.transaction import StatsTransaction
from services.stats.usecases.ports.transaction import StatsStore
from services.stats.usecases.record_pickups import record_pickups


async def handle_organisation_stated(tx: StatsStore, event: ReceivedEvent[OrganisationStated]) -> None:
    """Copy an organisation: imports name it by its customer number."""
    stated = event.data
    await tx.organisations.upsert(read_id("org", stated.organisation_id), stated.customer_number, stated.version)


async def handle_pickups(tx: StatsStore, events: Sequence[ReceivedEvent[PickupFacts]]) -> None:
    """Record the facts of pickups, from both events: of a recorded pickup and of one that is stated again."""
    await record_pickups(tx, [_to_fact(event.data) for event in events])


def _to_fact(facts: PickupFacts) -> PickupFact:
    return PickupFact(
        id=read_id("pickup", facts.pickup_id),
        organisation_id=read_id("org", facts.organisation_id),
        site_id=read_id("site", facts.site_id),
        agreement_id=read_id("agreement", facts.agreement_id) if facts.agreement_id else None,
        order_id=read_id("order", facts.order_id) if facts.order_id else None,
        article_id=read_id("article", facts.article_id) if facts.article_id else None,
        fraction=facts.fraction,
        date=facts.date,
        state=facts.state,
        done_at=facts.done_at,
        grams=facts.grams,
        version=facts.version,
    )


HANDLE_PICKUPS: BatchHandler[StatsTransaction] = batch_handler(handle_pickups)

HANDLERS: Handlers[StatsTransaction] = {
    **copy.HANDLERS,
    OrganisationStated: handle_organisation_stated,
    PickupRecorded: HANDLE_PICKUPS,
    PickupStated: HANDLE_PICKUPS,
}
