"""A subscriber, which reads events from the feed's ring buffer, or in pages from the log if it is behind that.

One that has read all of the ring buffer sleeps until an event comes that may concern it. It goes on at that one: what
came before does not concern it.

Both return the events after the subscriber's cursor, so that no event is lost or repeated when it changes from one to
the other. A slow subscriber falls behind the ring buffer and reads the log again, without an effect on others.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextvars import ContextVar

from gateway.subscriptions.feed import Feed
from gateway.subscriptions.subscriber_access import SubscriberAccess
from gateway.subscriptions.subscriber_index import Listener
from gateway.subscriptions.typed_events import typed_page
from services.chassis.events.event_log import Cursor
from services.chassis.problems import Forbidden, Unauthenticated
from services.chassis.rpc.channel import CallFailed
from services.chassis.telemetry import metrics
from services.contracts.orders.event_log import CursorExpired, EventPage, OrderEvent, OrderEventFilter
from services.contracts.orders.operations import Orders
from services.contracts.values import Outcome, Refusal

CHECKPOINT_INTERVAL_S = 30.0
CHECKPOINT_EVENTS = 1000
PAGE_SIZE = 200
_RETRY_S = 0.5
_UNAVAILABLE = (503, 504)

delivered_cursor: ContextVar[str] = ContextVar("delivered_cursor", default="")
"""The cursor of the current task's last delivered item: set once the next item is requested."""


class Checkpoint(Outcome, frozen=True, kw_only=True):
    """The progress of a subscription."""

    cursor: str
    """The position up to which all matching events were delivered: pass it as ``after`` to resume."""


OrderEventItem = OrderEvent | Checkpoint | CursorExpired | Refusal


class Subscriber:
    """The reader of events for one subscription."""

    def __init__(
        self,
        feed: Feed,
        log: Orders,
        access: SubscriberAccess,
        event_filter: OrderEventFilter,
        checkpoint_interval_s: float = CHECKPOINT_INTERVAL_S,
    ) -> None:
        self._feed = feed
        self._log = log
        self._access = access
        self._filter = event_filter
        self._checkpoint_interval_s = checkpoint_interval_s
        self._last_sent_at = 0.0
        self._delivered_sequence = 0
        """The sequence of the last item, up to which the subscriber has all matching events."""

    async def follow(self, after: str | None) -> AsyncGenerator[OrderEventItem, None]:
        """Yield all events after a cursor (None: from now on, START: the whole log), then live ones.

        The first item is a Checkpoint. Another one follows after 30 s without an item, and after 1,000 events that did
        not match: a subscriber who often reconnects and seldom gets an event would otherwise read the same range of the
        log each time, and might never reach its end. The last item is CursorExpired or a Refusal, if any.
        Unauthenticated is raised once the caller's access has ended, Forbidden if the caller may not subscribe.
        """
        if not self._access.allowed:
            raise Forbidden
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
        listener = Listener(self._access.caller.subject_id, lambda: self._access.index_keys(self._filter))
        self._feed.subscribers.add(listener)
        try:
            async with contextlib.aclosing(self._live_items(Cursor.of(page.cursor), listener)) as items:
                async for item in items:
                    yield item
        finally:
            self._feed.subscribers.remove(listener)

    async def _live_items(self, position: Cursor, listener: Listener) -> AsyncGenerator[OrderEventItem, None]:
        ring, caught_up = self._feed.ring, False
        while True:
            first = listener.take()  # before any read, so that no event is missed
            if not self._access.allowed:
                self._check_access()
                raise Forbidden
            events: Sequence[OrderEvent]
            if caught_up:
                position = Cursor(
                    position.generation, max(position.sequence, ring.last if first is None else first - 1)
                )
            if ring.holds(position):
                events, sequence = ring.events_after(position.sequence, PAGE_SIZE)
                position = Cursor(position.generation, sequence)
                caught_up = sequence >= ring.last
            else:
                caught_up = False
                result = await self._read_page_with_retry(position)
                if not isinstance(result, EventPage):
                    yield result
                    return
                events, position = result.events, Cursor.of(result.cursor)
            for event in events:
                if self._accepts(event):
                    yield event
            remaining_s = self._checkpoint_interval_s - (_now() - self._last_sent_at)
            if remaining_s <= 0 or position.sequence - self._delivered_sequence >= CHECKPOINT_EVENTS:
                self._check_access()
                yield self._checkpoint(str(position))
            elif not events:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(remaining_s):
                        await listener.woken.wait()

    def _accepts(self, event: OrderEvent) -> bool:
        self._check_access()
        if not (matches(self._filter, event) and self._access.may_see(event)):
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
        page = await self._log.events(after, PAGE_SIZE, self._filter)
        return typed_page(page) if isinstance(page, EventPage) else page

    async def _read_page_with_retry(self, after: Cursor) -> EventPage | CursorExpired | Refusal:
        """Read the next page, with retries while orders is unavailable."""
        metrics.RING_MISSES.inc()
        while True:
            self._check_access()
            try:
                return await self._read_page(str(after))
            except CallFailed as failure:
                if failure.status not in _UNAVAILABLE:
                    raise
            await asyncio.sleep(_RETRY_S)


def matches(event_filter: OrderEventFilter, event: OrderEvent) -> bool:
    """Return whether an event matches every field of a filter, as in a page of the log."""
    return (
        (event_filter.types is None or event.type in event_filter.types)
        and (event_filter.organisation_ids is None or event.organisation_id in event_filter.organisation_ids)
        and (event_filter.site_ids is None or event.site_id in event_filter.site_ids)
    )


def _sequence(cursor: str) -> int:
    parsed = Cursor.parse(cursor)
    return parsed.sequence if parsed is not None else 0


def _now() -> float:
    return asyncio.get_running_loop().time()
