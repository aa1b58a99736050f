"""Orders' event log for the feed, read with the gateway's own token, which allows all public events."""

from gateway.subscriptions.typed_events import typed_page
from services.access.service_token import ServiceTokens
from services.chassis.events.event_log import Cursor
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.contracts.orders.event_log import EventPage, OrderEvent
from services.contracts.orders.operations import Orders

_PAGE_SIZE = 500


class LogReadError(Exception):
    """The log returned no page: the cursor has expired, or the gateway may not read the log."""


class OrdersLog:
    """Reads ranges of the log by sequence."""

    def __init__(self, orders: ServiceChannel, tokens: ServiceTokens) -> None:
        self._orders = orders
        self._tokens = tokens

    async def between(self, after: Cursor, up_to: int) -> list[OrderEvent]:
        """Return all public events after a cursor, up to a sequence. CallFailed or LogReadError if it can't."""
        events: list[OrderEvent] = []
        while after.sequence < up_to:
            page = await client(Orders, self._orders, await self._tokens.headers()).events(str(after), _PAGE_SIZE)
            if not isinstance(page, EventPage):
                raise LogReadError(type(page).__name__)
            events += [event for event in typed_page(page).events if event.sequence <= up_to]
            after = Cursor.of(page.cursor)
            if page.end and after.sequence < up_to:
                raise LogReadError("the log ends before an event from Kafka")
        return events
