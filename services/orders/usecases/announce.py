"""Orders as they are announced."""

from services.chassis.ids import write_id
from services.contracts.orders import OrderMoved, OrderPlaced
from services.orders.domain.order import OrderRecord


def placed(order: OrderRecord) -> OrderPlaced:
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


def moved(before: OrderRecord, after: OrderRecord) -> OrderMoved:
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
