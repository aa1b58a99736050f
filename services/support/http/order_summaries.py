"""Orders and pickups, fetched from orders when a message tells of them: support keeps no copy."""

from collections.abc import Mapping

import msgspec

from services.access.service_token import ServiceTokens
from services.chassis.problems import NotReadyYet
from services.chassis.rpc.channel import CallFailed, ServiceChannel
from services.chassis.rpc.client import client
from services.contracts.orders.operations import Orders
from services.contracts.orders.summaries import OrderSummary, PickupSummary
from services.contracts.values import Id


class OrdersOrderSummaries:
    """Implements ``usecases.ports.order_summaries.OrderSummaries``."""

    def __init__(self, orders: ServiceChannel, tokens: ServiceTokens) -> None:
        self._orders = orders
        self._tokens = tokens

    async def order(self, order_id: Id) -> OrderSummary | None:
        try:
            (order,) = await client(Orders, self._orders, await self._headers()).order_summaries([order_id])
        except (CallFailed, msgspec.DecodeError) as error:
            raise NotReadyYet("orders did not answer with an order") from error
        return order

    async def pickup(self, pickup_id: Id) -> PickupSummary | None:
        try:
            (pickup,) = await client(Orders, self._orders, await self._headers()).pickup_summaries([pickup_id])
        except (CallFailed, msgspec.DecodeError) as error:
            raise NotReadyYet("orders did not answer with a pickup") from error
        return pickup

    async def _headers(self) -> Mapping[str, str]:
        return await self._tokens.headers()
