"""The things that tickets are linked to, looked up at orders: support keeps no copy."""

import msgspec

from services.access.service_token import ServiceTokens
from services.chassis.problems import NotReadyYet
from services.chassis.rpc.channel import CallFailed, ServiceChannel
from services.chassis.rpc.client import client
from services.contracts.orders.operations import Orders
from services.contracts.values import Id


class OrdersSubjects:
    """Implements ``usecases.ports.subjects.Subjects``."""

    def __init__(self, orders: ServiceChannel, tokens: ServiceTokens) -> None:
        self._orders = orders
        self._tokens = tokens

    async def site_of(self, thing_id: Id) -> Id | None:
        try:
            headers = await self._tokens.headers()
            (site_id,) = await client(Orders, self._orders, headers).sites_of_things([thing_id])
        except (CallFailed, msgspec.DecodeError) as error:
            raise NotReadyYet("orders did not answer with a site") from error
        return site_id
