"""Ordering a pickup between the regular ones."""

from gateway.schema.fields import Info, field
from services.contracts.orders import Ordered, OrderExtraPickup
from services.contracts.values import Refusal


@field("OrderExtraPickupResult")
async def order_extra_pickup(info: Info, input: OrderExtraPickup) -> Ordered | Refusal:
    """Order a pickup on an offered day (O3). Repeated with the same idempotency key, it is answered again (O14)."""
    return await info.context.orders.order_extra_pickup(input)
