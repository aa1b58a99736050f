"""Orders' log as the feed reads it: with the gateway's own token, which sees all that is public."""

import uuid

from services.access.service_token import ServiceTokens
from services.chassis.log import Cursor
from services.chassis.rpc.client import Service, client
from services.contracts.orders import EventPage, OrderEvent, Orders

_PAGE = 500


class LogUnreadable(Exception):
    """The log gave no page: the cursor is of another generation, or the gateway may not read it."""


class OrdersLog:
    """Reads stretches of the log by sequence. The generation that makes them cursors is learnt from the log."""

    def __init__(self, orders: Service, tokens: ServiceTokens) -> None:
        self._orders = orders
        self._tokens = tokens
        self._generation: uuid.UUID | None = None

    async def between(self, after: int, up_to: int) -> list[OrderEvent]:
        """Every public event behind ``after`` and up to ``up_to``. CallFailed if orders is away, else LogUnreadable."""
        if self._generation is None:
            # What is in the ring by now may be of an older generation: only what comes from here on is known not to be.
            self._generation = _place((await self._page(None, 1)).cursor).generation
            raise LogUnreadable("the generation was not known yet")
        cursor, found = Cursor(self._generation, after), list[OrderEvent]()
        while cursor.sequence < up_to:
            try:
                page = await self._page(str(cursor), _PAGE)
            except LogUnreadable:
                self._generation = None
                raise
            found += [event for event in page.events if event.sequence <= up_to]
            cursor = _place(page.cursor)
            if page.end:
                break
        return found

    async def _page(self, after: str | None, first: int) -> EventPage:
        page = await client(Orders, self._orders, await self._tokens.headers()).events(after, first)
        if not isinstance(page, EventPage):
            raise LogUnreadable(type(page).__name__)
        return page


def _place(text: str) -> Cursor:
    cursor = Cursor.parse(text)
    if cursor is None:
        raise LogUnreadable("no cursor")
    return cursor
