"""Orders and pickups, fetched from orders when a message tells of them: support keeps no copy."""

from services.access.service_token import ServiceTokens
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.contracts.orders.operations import Orders
from services.contracts.orders.summaries import OrderSummary, PickupSummary
from services.contracts.values import Id
from services.support.http.owners import answered_by


class OrdersOrderSummaries:
    """Implements ``usecases.ports.order_summaries.OrderSummaries``."""

    def __init__(self, orders: ServiceChannel, tokens: ServiceTokens) -> None:
        self._orders = orders
        self._tokens = tokens

    async def order(self, order_id: Id) -> OrderSummary | None:
        with answered_by("orders"):
            (order,) = await client(Orders, self._orders, await self._tokens.headers()).order_summaries([order_id])
        return order

    async def pickup(self, pickup_id: Id) -> PickupSummary | None:
        with answered_by("orders"):
            (pickup,) = await client(Orders, self._orders, await self._tokens.headers()).pickup_summaries([pickup_id])
        return pickup
