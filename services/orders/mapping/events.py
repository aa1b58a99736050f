"""Orders and pickups as they are announced."""

from typing import TypeVar

from services.chassis.ids import write_id
from services.contracts.orders import OrderMoved, OrderPlaced, PickupFacts
from services.orders.domain.order import OrderRecord
from services.orders.domain.pickup import RecordedPickup

P = TypeVar("P", bound=PickupFacts)


def order_placed_event(order: OrderRecord) -> OrderPlaced:
    """An order that was just taken."""
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
    """An order that went from one state to the next."""
    return OrderMoved(
        order_id=write_id("order", after.id),
        organisation_id=write_id("org", after.organisation_id),
        site_id=write_id("site", after.site_id),
        date=after.date,
        before=before.state,
        state=after.state,
        version=after.version,
    )


def pickup_event(recorded: RecordedPickup, event: type[P]) -> P:
    """A pickup as its events say it: without the reason of a failure, which is a free text."""
    one = recorded.pickup
    return event(
        pickup_id=write_id("pickup", one.id),
        organisation_id=write_id("org", recorded.organisation_id),
        site_id=write_id("site", recorded.site_id),
        agreement_id=write_id("agreement", one.agreement_id),
        order_id=write_id("order", one.order_id) if one.order_id else None,
        article_id=write_id("article", recorded.article_id),
        fraction=recorded.fraction,
        date=one.date,
        state=one.outcome.state,
        done_at=one.outcome.done_at,
        grams=one.outcome.grams,
        version=one.version,
    )
