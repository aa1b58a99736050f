"""One subscriber's way through the events: by pages of the log while behind the ring, else from the ring.

Both are asked for what lies behind the subscriber's position, so there is no hand-over in which something could be
left out or come twice. A subscriber pulls: a slow one falls behind the ring and pages again, and holds up nobody.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextvars import ContextVar

import msgspec

from gateway.subscriptions.feed import Feed
from gateway.subscriptions.subscriber_access import SubscriberAccess, site_id_of
from services.chassis.events.event_log import Cursor
from services.chassis.problems import Unauthenticated
from services.chassis.rpc.channel import CallFailed
from services.chassis.telemetry import metrics
from services.contracts.orders import CursorExpired, EventPage, OrderEvent, Orders
from services.contracts.values import Outcome, Refusal, refuse

CHECKPOINT_INTERVAL_S = 30.0
CHECKPOINT_EVENTS = 1000
PAGE_SIZE = 200
_RETRY_S = 0.5
_UNAVAILABLE = (503, 504)

delivered_cursor: ContextVar[str] = ContextVar("handed_over", default="")
"""The cursor up to which the subscription of the running task was handed over: what was asked for next came after."""


class Checkpoint(Outcome, frozen=True, kw_only=True):
    """Where a subscription stands: what matches its filter up to here was delivered. Go on with ``cursor``."""

    cursor: str


class EventFilter(msgspec.Struct, frozen=True):
    """A subscriber's filter; None is all."""

    types: list[str] | None = None
    organisation_id: str | None = None
    site_id: str | None = None

    def matches(self, event: OrderEvent) -> bool:
        return (
            (self.types is None or event.type in self.types)
            and (self.organisation_id is None or event.organisation_id == self.organisation_id)
            and (self.site_id is None or site_id_of(event) == self.site_id)
        )


OrderEventItem = OrderEvent | Checkpoint | CursorExpired | Refusal


class Subscriber:
    """Follows the events for one subscription."""

    def __init__(
        self,
        feed: Feed,
        log: Orders,
        audience: SubscriberAccess,
        wanted: EventFilter,
        checkpoint_s: float = CHECKPOINT_INTERVAL_S,
    ) -> None:
        self._feed = feed
        self._log = log
        self._access = audience
        self._filter = wanted
        self._checkpoint_interval_s = checkpoint_s
        self._last_sent_at = 0.0
        self._delivered_sequence = 0
        """Up to where the subscriber knows that it has everything."""

    async def follow(self, after: str | None) -> AsyncGenerator[OrderEventItem, None]:
        """Every event behind the cursor ``after`` (None: from now on, START: the whole log), then each as it comes.

        Begins with a Checkpoint and gives another when nothing was sent for 30 s, and for every 1,000 events that were
        not for it: who comes back often and seldom gets an event would else read the same stretch of the log again
        each time, and may never get to its end. Ends with CursorExpired or a Refusal; raises Unauthenticated where the
        caller's access ended.
        """
        if not self._access.allowed:
            yield refuse("FORBIDDEN")
            return
        page = await self._read_page(after)
        if not isinstance(page, EventPage):
            yield page
            return
        with metrics.SUBSCRIBERS.track_inprogress():
            start = after if after is not None else page.cursor
            delivered_cursor.set(start)
            yield self._checkpoint(start)
            async with contextlib.aclosing(self._items(page)) as items:
                async for item in items:
                    yield item
                    if isinstance(item, OrderEvent | Checkpoint):
                        delivered_cursor.set(item.cursor)

    async def _items(self, page: EventPage) -> AsyncGenerator[OrderEventItem, None]:
        for event in page.events:
            if self._accepts(event):
                yield event
        place = Cursor.of(page.cursor)
        while True:
            movement = self._feed.next_change  # taken before anything is looked at: no movement is missed meanwhile
            if not self._access.allowed:
                self._check_access()
                yield refuse("FORBIDDEN")
                return
            events: Sequence[OrderEvent]
            if self._feed.ring.holds(place):
                events, sequence = self._feed.ring.events_after(place.sequence, PAGE_SIZE)
                place = Cursor(place.generation, sequence)
            else:
                behind = await self._read_page_with_retry(place)
                if not isinstance(behind, EventPage):
                    yield behind
                    return
                events, place = behind.events, Cursor.of(behind.cursor)
            for event in events:
                if self._accepts(event):
                    yield event
            quiet_s = self._checkpoint_interval_s - (_now() - self._last_sent_at)
            if quiet_s <= 0 or place.sequence - self._delivered_sequence >= CHECKPOINT_EVENTS:
                self._check_access()
                yield self._checkpoint(str(place))
            elif not events:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(quiet_s):
                        await movement.wait()

    def _accepts(self, event: OrderEvent) -> bool:
        self._check_access()
        if not (self._filter.matches(event) and self._access.may_see(event)):
            return False
        self._last_sent_at, self._delivered_sequence = _now(), event.sequence
        return True

    def _check_access(self) -> None:
        if self._access.access_ended:
            raise Unauthenticated

    def _checkpoint(self, cursor: str) -> Checkpoint:
        self._last_sent_at, self._delivered_sequence = _now(), _sequence(cursor)
        return Checkpoint(cursor=cursor)

    async def _read_page(self, after: str | None) -> EventPage | CursorExpired | Refusal:
        return await self._log.events(after, PAGE_SIZE, self._filter.types, self._filter.organisation_id)

    async def _read_page_with_retry(self, place: Cursor) -> EventPage | CursorExpired | Refusal:
        """The next page; while orders is away, the subscription waits for it."""
        metrics.RING_MISSES.inc()
        while True:
            self._check_access()
            try:
                return await self._read_page(str(place))
            except CallFailed as failure:
                if failure.status not in _UNAVAILABLE:
                    raise
            await asyncio.sleep(_RETRY_S)


def _sequence(cursor: str) -> int:
    place = Cursor.parse(cursor)
    return place.sequence if place is not None else 0


def _now() -> float:
    return asyncio.get_running_loop().time()
