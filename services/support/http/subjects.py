"""The things that tickets are linked to, looked up at orders: support keeps no copy."""

from services.access.service_token import ServiceTokens
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.contracts.orders.operations import Orders
from services.contracts.values import Id
from services.support.http.owners import answered_by


class OrdersSubjects:
    """Implements ``usecases.ports.subjects.Subjects``."""

    def __init__(self, orders: ServiceChannel, tokens: ServiceTokens) -> None:
        self._orders = orders
        self._tokens = tokens

    async def site_of(self, thing_id: Id) -> Id | None:
        with answered_by("orders"):
            headers = await self._tokens.headers()
            (site_id,) = await client(Orders, self._orders, headers).sites_of_things([thing_id])
        return site_id
