"""One subscriber's way through the events: by pages of the log while behind the ring, else from the ring.

Both are asked for what lies behind the subscriber's position, so there is no hand-over in which something could be
left out or come twice. A subscriber pulls: a slow one falls behind the ring and pages again, and holds up nobody.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator

import msgspec

from gateway.subscriptions.audience import Audience, site_of
from gateway.subscriptions.feed import Feed
from services.chassis.log import Cursor
from services.chassis.problems import Unauthenticated
from services.chassis.rpc.client import CallFailed
from services.contracts.orders import CursorExpired, EventPage, OrderEvent, Orders
from services.contracts.values import Outcome, Refusal, refuse

CHECKPOINT_S = 30.0
_PAGE = 200
_RETRY_S = 0.5
_AWAY = (503, 504)


class Checkpoint(Outcome, frozen=True, kw_only=True):
    """Where a subscription stands: what matches its filter up to here was delivered. Go on with ``cursor``."""

    cursor: str


class Wanted(msgspec.Struct, frozen=True):
    """A subscriber's filter; None is all."""

    types: list[str] | None = None
    organisation_id: str | None = None
    site_id: str | None = None

    def matches(self, event: OrderEvent) -> bool:
        return (
            (self.types is None or event.type in self.types)
            and (self.organisation_id is None or event.organisation_id == self.organisation_id)
            and (self.site_id is None or site_of(event) == self.site_id)
        )


Item = OrderEvent | Checkpoint | CursorExpired | Refusal


class Subscriber:
    """Follows the events for one subscription."""

    def __init__(
        self, feed: Feed, log: Orders, audience: Audience, wanted: Wanted, checkpoint_s: float = CHECKPOINT_S
    ) -> None:
        self._feed = feed
        self._log = log
        self._audience = audience
        self._wanted = wanted
        self._checkpoint_s = checkpoint_s
        self._sent = 0.0

    async def follow(self, after: str | None) -> AsyncIterator[Item]:
        """Every event behind the cursor ``after`` (None: from now on, START: the whole log), then each as it comes.

        Begins with a Checkpoint and gives another when nothing was sent for 30 s. Ends with CursorExpired or a
        Refusal; raises Unauthenticated where the caller's access ended.
        """
        if not self._audience.allowed:
            yield refuse("FORBIDDEN")
            return
        page = await self._page(after)
        if not isinstance(page, EventPage):
            yield page
            return
        place = _place(page.cursor)
        yield self._checkpoint(after if after is not None else page.cursor)
        for event in page.events:
            if self._shows(event):
                yield event
        async for item in self._go_on(place.generation, place.sequence):
            yield item

    async def _go_on(self, generation: uuid.UUID, position: int) -> AsyncIterator[Item]:
        ring = self._feed.ring
        while True:
            if not self._audience.allowed:
                self._still_there()
                yield refuse("FORBIDDEN")
                return
            if ring.holds(position):
                found, position = ring.behind(position, _PAGE)
                events = [
                    msgspec.structs.replace(event, cursor=str(Cursor(generation, event.sequence)))
                    for event in found
                    if self._wanted.matches(event)
                ]
            else:
                page = await self._page_again(Cursor(generation, position))
                if not isinstance(page, EventPage):
                    yield page
                    return
                events, position = page.events, _place(page.cursor).sequence
            for event in events:
                if self._shows(event):
                    yield event
            quiet = self._checkpoint_s - (_now() - self._sent)
            if quiet <= 0:
                self._still_there()
                yield self._checkpoint(str(Cursor(generation, position)))
            else:
                await self._feed.moved(position, quiet)

    def _shows(self, event: OrderEvent) -> bool:
        self._still_there()
        if not (self._wanted.matches(event) and self._audience.may_see(event)):
            return False
        self._sent = _now()
        return True

    def _still_there(self) -> None:
        if self._audience.gone:
            raise Unauthenticated

    def _checkpoint(self, cursor: str) -> Checkpoint:
        self._sent = _now()
        return Checkpoint(cursor=cursor)

    async def _page(self, after: str | None) -> EventPage | CursorExpired | Refusal:
        return await self._log.events(after, _PAGE, self._wanted.types, self._wanted.organisation_id)

    async def _page_again(self, after: Cursor) -> EventPage | CursorExpired | Refusal:
        """The next page; while orders is away, the subscription waits for it."""
        while True:
            self._still_there()
            try:
                return await self._page(str(after))
            except CallFailed as failure:
                if failure.status not in _AWAY:
                    raise
            await asyncio.sleep(_RETRY_S)


def _place(text: str) -> Cursor:
    cursor = Cursor.parse(text)
    assert cursor is not None, "orders gives cursors"
    return cursor


def _now() -> float:
    return asyncio.get_running_loop().time()
