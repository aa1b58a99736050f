"""Mutation orderExtraPickup."""

from gateway.schema.fields import Info, field
from services.contracts.orders.orders import Ordered, OrderExtraPickup
from services.contracts.values import Refusal


@field("OrderExtraPickupResult")
async def order_extra_pickup(info: Info, input: OrderExtraPickup) -> Ordered | Refusal:
    """Order an extra pickup on one of the offered days (O3). A repetition with the same idempotency key returns the
    same order (O14).
    """
    return await info.context.clients.orders.order_extra_pickup(input)
