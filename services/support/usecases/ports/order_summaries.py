"""The port of orders and pickups."""

from typing import Protocol

from services.contracts.orders.summaries import OrderSummary, PickupSummary
from services.contracts.values import Id


class OrderSummaries(Protocol):
    """Orders and pickups, at the time at which a message tells of them."""

    async def order(self, order_id: Id) -> OrderSummary | None:
        """Return an order; None if it does not exist. Raise NotReadyYet while orders does not answer."""
        ...

    async def pickup(self, pickup_id: Id) -> PickupSummary | None:
        """Return a pickup; None if it does not exist. Raise NotReadyYet while orders does not answer."""
        ...
