"""Orders and pickups as events."""

from typing import TypeVar

from services.chassis.ids import write_id, write_optional_id
from services.contracts.orders.events import OrderMoved, OrderPlaced, PickupFacts, PickupMoved
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import PickupRecord, RecordedPickup

P = TypeVar("P", bound=PickupFacts)


def order_placed_event(order: OrderRecord) -> OrderPlaced:
    """Return the event of a new order."""
    return OrderPlaced(
        order_id=write_id("order", order.id),
        organisation_id=write_id("org", order.organisation_id),
        site_id=write_id("site", order.site_id),
        agreement_id=write_id("agreement", order.agreement_id),
        article_id=write_id("article", order.article_id),
        fraction=order.fraction,
        kind=order.kind,
        date=order.date,
        state=order.state,
        version=order.version,
    )


def order_moved_event(before: OrderRecord, after: OrderRecord) -> OrderMoved:
    """Return the event of an order's transition."""
    return OrderMoved(
        order_id=write_id("order", after.id),
        organisation_id=write_id("org", after.organisation_id),
        site_id=write_id("site", after.site_id),
        date=after.date,
        before=before.state,
        state=after.state,
        version=after.version,
    )


def pickup_moved_event(agreement: AgreementRecord, pickup: PickupRecord) -> PickupMoved:
    """Return the event of a regular pickup that a holiday moves."""
    return PickupMoved(
        pickup_id=write_id("pickup", pickup.id),
        organisation_id=write_id("org", agreement.organisation_id),
        site_id=write_id("site", agreement.facts.site_id),
        agreement_id=write_id("agreement", agreement.id),
        planned_on=pickup.planned_on,
        date=pickup.date,
    )


def pickup_event(recorded: RecordedPickup, event: type[P]) -> P:
    """Return an event of a recorded pickup, without the reason of a failure, which is free text."""
    pickup = recorded.pickup
    return event(
        pickup_id=write_id("pickup", pickup.id),
        organisation_id=write_id("org", recorded.organisation_id),
        site_id=write_id("site", recorded.site_id),
        agreement_id=write_id("agreement", pickup.agreement_id),
        order_id=write_optional_id("order", pickup.order_id),
        article_id=write_id("article", recorded.article_id),
        fraction=recorded.fraction,
        date=pickup.date,
        state=pickup.outcome.state,
        done_at=pickup.outcome.done_at,
        grams=pickup.outcome.grams,
        version=pickup.version,
    )
