"""The feed of a process: order events from Kafka's six partitions in the order of their sequence.

An event waits in the reorder buffer until all events before it have arrived. A gap older than 100 ms (a lagging
partition, an event that this build can't decode) is filled from orders' log. If the log is unavailable, too, or the gap
is too large for the ring buffer, the ring buffer is reset to start after the gap, and each subscriber reads the missing
events from the log. So memory is bounded, even at the start, when partitions are read one after another.

The ring buffer has events of one generation of the log. A generation starts above all sequences that the broker ever
had, so a record of another generation with a higher sequence means that the database was restored: the ring buffer is
reset, and subscribers with cursors of the old generation get CursorExpired from the log. A record that is not after the
ring buffer's last event is a repetition, as when the broker is refilled.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from gateway.subscriptions.ring_buffer import RingBuffer, data_size
from gateway.subscriptions.subscriber_index import SubscriberIndex
from gateway.subscriptions.typed_events import with_fields
from services.chassis.events.envelope import RawRecord, UnknownEvent, decode_event
from services.chassis.events.event_log import Cursor
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger
from services.contracts.orders.event_log import OrderEvent

_log = logger(__name__)

CAPACITY = 10_000
"""Events in the ring buffer, and as many in the reorder buffer."""
MAX_BYTES = 64_000_000
"""Bytes of event data in the ring buffer, and as many in the reorder buffer."""
GAP_TIMEOUT_S = 0.1

ReadLog = Callable[[Cursor, int], Awaitable[Sequence[OrderEvent]]]
"""Reader of all public events after a cursor and up to a sequence, in order."""


class Feed:
    """Puts records into order and keeps the newest events in a ring buffer."""

    def __init__(
        self,
        read_log: ReadLog,
        capacity: int = CAPACITY,
        gap_timeout_s: float = GAP_TIMEOUT_S,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._read_log = read_log
        self._capacity = capacity
        self._gap_timeout_s = gap_timeout_s
        self._generation: uuid.UUID | None = None
        self._reorder_buffer = _ReorderBuffer(capacity, max_bytes)
        self._highest_sequence = 0
        self._gap_since: float | None = None
        self._gap_opened = asyncio.Event()
        self._last_notified: tuple[uuid.UUID | None, int] = (None, 0)
        self._started = False
        self.ring = RingBuffer(capacity, max_bytes)
        self.subscribers = SubscriberIndex()

    def handle_record(self, record: RawRecord) -> None:
        """Process a record of orders' topic, unless it is a repetition."""
        sequence = record.sequence
        if sequence is None or (self.ring.base is not None and sequence <= self.ring.last):
            return
        try:
            generation = self._generation_of(record)
            if generation == self._generation and (
                sequence in self._reorder_buffer or sequence <= self._reorder_buffer.floor
            ):
                return
            event = _public_event(record, generation)
        except (ValueError, LookupError):
            return  # the gap is filled from the log
        if generation != self._generation and not self._change_generation(generation, sequence):
            return
        self._reorder_buffer.add(sequence, event)
        self._highest_sequence = max(self._highest_sequence, sequence)
        if self._started:
            if self._reorder_buffer.floor > self.ring.last:
                self._reset_ring(self._reorder_buffer.floor)
            self._advance()

    def start(self) -> None:
        """Start the ring buffer with the latest events without a gap, once the topic has been read to its end."""
        self._started = True
        if self._reorder_buffer:
            base = self._reorder_buffer.last
            while base in self._reorder_buffer:
                base -= 1
            self._reset_ring(base)
            self._advance()

    async def run(self, caught_up: asyncio.Event, stop: asyncio.Event) -> None:
        """Start when ``caught_up`` is set, then fill gaps until ``stop`` is set."""
        while not (caught_up.is_set() or stop.is_set()):
            await _wait_briefly(caught_up)
        self.start()
        while not stop.is_set():
            since = self._gap_since
            if since is None:
                await _wait_briefly(self._gap_opened)
                continue
            await asyncio.sleep(since + self._gap_timeout_s - time.monotonic())
            if self._gap_since != since:
                metrics.FEED_GAPS.labels("kafka").inc()
            else:
                await self._fill_gap()

    async def _fill_gap(self) -> None:
        assert self._generation is not None, "a gap is in a generation"
        after, up_to = Cursor(self._generation, self.ring.last), self._reorder_buffer.first - 1
        events = await self._read(after, up_to)
        if self._generation != after.generation or self.ring.last >= up_to:
            metrics.FEED_GAPS.labels("kafka").inc()
            return
        if events is None:
            metrics.FEED_GAPS.labels("subscribers").inc()
            self._reset_ring(up_to)
        else:
            metrics.FEED_GAPS.labels("log").inc()
            for event in events:
                if self.ring.last < event.sequence <= up_to:
                    self._add(event)
            self.ring.skip_to(up_to)
            self._reorder_buffer.discard_through(self.ring.last)
        self._advance()

    async def _read(self, after: Cursor, up_to: int) -> Sequence[OrderEvent] | None:
        """Read the events of a gap from the log; None if subscribers have to read them."""
        if up_to - after.sequence > self._capacity:
            _log.warning("gap left to subscribers", after=after.sequence, up_to=up_to, error="too large")
            return None
        try:
            events = await self._read_log(after, up_to)
        except Exception as error:
            # Any failure may be the feed's own: subscribers read the log with other tokens, and retry.
            _log.warning("gap left to subscribers", after=after.sequence, up_to=up_to, error=type(error).__name__)
            return None
        _log.info("gap filled from the log", after=after.sequence, up_to=up_to, events=len(events))
        return events

    def _generation_of(self, record: RawRecord) -> uuid.UUID:
        if self._generation is not None and record.generation == str(self._generation):
            return self._generation
        return uuid.UUID(record.generation)

    def _change_generation(self, generation: uuid.UUID, sequence: int) -> bool:
        """Change to another generation if the sequence is higher than all of the current one; return whether it was."""
        if self._reorder_buffer and sequence <= self._highest_sequence:
            return False
        if self._generation is not None:
            metrics.FEED_GENERATIONS.inc()
            _log.warning("new log generation", after=sequence - 1, generation=str(generation))
        self._generation = generation
        self._reorder_buffer.clear()
        if self._started:
            self._reset_ring(sequence - 1)
        return True

    def _reset_ring(self, base: int) -> None:
        assert self._generation is not None, "records have a generation"
        self.ring.reset(self._generation, base)
        self.subscribers.notify_all()
        self._reorder_buffer.discard_through(self.ring.last)

    def _advance(self) -> None:
        ring = self.ring
        while ring.last + 1 in self._reorder_buffer:
            event = self._reorder_buffer.pop(ring.last + 1)
            if event is not None:
                self._add(event)
            else:
                ring.skip_to(ring.last + 1)
        changed = (ring.generation, ring.last) != self._last_notified
        self._last_notified = (ring.generation, ring.last)
        if not self._reorder_buffer:
            self._gap_since = None
            self._gap_opened.clear()
        elif self._gap_since is None or changed:
            self._gap_since = time.monotonic()
            self._gap_opened.set()

    def _add(self, event: OrderEvent) -> None:
        self.ring.add(event)
        self.subscribers.notify(event)


class _ReorderBuffer:
    """Events that wait for earlier ones, by their sequence; None for an event that is not public.

    It has at most 1.1 times ``capacity`` events, of ``max_bytes`` bytes: the oldest ones are evicted.
    """

    def __init__(self, capacity: int, max_bytes: int) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._events: dict[int, OrderEvent | None] = {}
        self._size = 0
        self.floor = 0
        """The sequence of the last evicted event. Events up to it must not be added again."""

    def __len__(self) -> int:
        return len(self._events)

    def __contains__(self, sequence: int) -> bool:
        return sequence in self._events

    @property
    def first(self) -> int:
        return min(self._events)

    @property
    def last(self) -> int:
        return max(self._events)

    def add(self, sequence: int, event: OrderEvent | None) -> None:
        self._events[sequence] = event
        self._size += _size(event)
        if len(self._events) > self._capacity + self._capacity // 10 or self._size > self._max_bytes:
            ordered = sorted(self._events)
            surplus = max(len(ordered) - self._capacity, len(ordered) // 10, 1)
            self.floor = max(self.floor, ordered[surplus - 1])
            for oldest in ordered[:surplus]:
                self.pop(oldest)

    def pop(self, sequence: int) -> OrderEvent | None:
        event = self._events.pop(sequence)
        self._size -= _size(event)
        return event

    def discard_through(self, last: int) -> None:
        """Remove the events up to this sequence."""
        for sequence in [one for one in self._events if one <= last]:
            self.pop(sequence)

    def clear(self) -> None:
        self._events.clear()
        self._size = self.floor = 0


def _size(event: OrderEvent | None) -> int:
    return data_size(event) if event else 0


async def _wait_briefly(event: asyncio.Event) -> None:
    """Wait for an event, for half a second at most, so that the caller can check for a stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await event.wait()


def _public_event(record: RawRecord, generation: uuid.UUID) -> OrderEvent | None:
    """Return a record's event for subscribers; None if it is not public, LookupError if this build does not know it."""
    received = decode_event(record)
    if isinstance(received, UnknownEvent):
        raise LookupError(received.reason)
    if not received.type.public:
        return None
    entry = OrderEvent(
        id=str(received.id),
        cursor=str(Cursor(generation, received.sequence)),
        sequence=received.sequence,
        type=received.type.name,
        time=received.time,
        subject=received.subject,
        organisation_id=received.organisation_id,
        site_id=getattr(received.data, received.type.site) if received.type.site else None,
        data=msgspec.Raw(record.value or b""),
    )
    return with_fields(entry, received.data)
