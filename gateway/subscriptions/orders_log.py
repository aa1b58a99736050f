"""Orders' log as the feed reads it: with the gateway's own token, which sees all that is public."""

from services.access.service_token import ServiceTokens
from services.chassis.events.event_log import Cursor
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.contracts.orders import EventPage, OrderEvent, Orders

_PAGE_SIZE = 500


class LogReadError(Exception):
    """The log gave no page: the place has expired, or the gateway may not read it."""


class OrdersLog:
    """Reads stretches of the log by sequence."""

    def __init__(self, orders: ServiceChannel, tokens: ServiceTokens) -> None:
        self._orders = orders
        self._tokens = tokens

    async def between(self, place: Cursor, up_to: int) -> list[OrderEvent]:
        """Every public event behind ``place`` and up to ``up_to``. CallFailed if orders is away, else LogUnreadable."""
        found: list[OrderEvent] = []
        while place.sequence < up_to:
            page = await client(Orders, self._orders, await self._tokens.headers()).events(str(place), _PAGE_SIZE)
            if not isinstance(page, EventPage):
                raise LogReadError(type(page).__name__)
            found += [event for event in page.events if event.sequence <= up_to]
            place = Cursor.of(page.cursor)
            if page.end and place.sequence < up_to:
                raise LogReadError("it ends before what Kafka brought")
        return found
