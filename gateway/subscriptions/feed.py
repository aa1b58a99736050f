"""One feed a process: what Kafka brings from six partitions, put into ``sequence`` order.

An event is held back until the one before it is there. A hole older than 100 ms (a partition that lags, an event that
this build can't read) is filled from orders' log; where the log is away, too, the ring begins anew behind the hole,
and each subscriber pages over it by itself. So it is left where more waits behind the hole, or is missing in it, than
the ring would hold: what is held in memory is bounded, also at the start, when the partitions come one after another.

The ring is of one generation of the log. A new one begins above all that the broker ever held, so a record of another
generation and a higher sequence says that the database was restored: the ring begins anew with it, and those who hold
a place of the old one are told by the log. Whatever is not beyond the ring came before: a broker that is filled again
brings everything once more.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence

from gateway.subscriptions.ring_buffer import RingBuffer
from services.chassis.events.envelope import RawRecord, decode_event
from services.chassis.events.event_log import Cursor
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger
from services.contracts.orders import OrderEvent

_log = logger(__name__)

CAPACITY = 10_000
"""Events in the ring, and as many that wait for one before them."""
MAX_CHARACTERS = 64_000_000
"""Characters of their data in the ring, and as many of those that wait."""
GAP_TIMEOUT_S = 0.1

ReadLog = Callable[[Cursor, int], Awaitable[Sequence[OrderEvent]]]
"""Every public event behind a place and up to a sequence, in order."""


class Feed:
    """Takes in records as they come and keeps the newest events in order."""

    def __init__(
        self,
        read_log: ReadLog,
        capacity: int = CAPACITY,
        patience_s: float = GAP_TIMEOUT_S,
        largest: int = MAX_CHARACTERS,
    ) -> None:
        self._read_log = read_log
        self._capacity = capacity
        self._gap_timeout_s = patience_s
        self._generation: uuid.UUID | None = None
        self._reorder_buffer = _ReorderBuffer(capacity, largest)
        self._highest_sequence = 0
        self._gap_since: float | None = None
        self._gap_opened = asyncio.Event()
        self._next_change = asyncio.Event()
        self._last_notified: tuple[uuid.UUID | None, int] = (None, 0)
        self._started = False
        self.ring = RingBuffer(capacity, largest)

    def handle_record(self, record: RawRecord) -> None:
        """Take in one record of orders' topic. Repeats are left out."""
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
            return  # the log knows better: this stays a hole until it is asked
        if generation != self._generation and not self._change_generation(generation, sequence):
            return
        self._reorder_buffer.add(sequence, event)
        self._highest_sequence = max(self._highest_sequence, sequence)
        if self._started:
            if self._reorder_buffer.floor > self.ring.last:
                self._reset_ring(self._reorder_buffer.floor)
            self._advance()

    def start(self) -> None:
        """Begin: all that was on the topic was taken in. The ring covers what is there without a hole."""
        self._started = True
        if self._reorder_buffer:
            base = self._reorder_buffer.last
            while base in self._reorder_buffer:
                base -= 1
            self._reset_ring(base)
            self._advance()

    @property
    def next_change(self) -> asyncio.Event:
        """Set when there is something new to look at from now on; another one each time."""
        return self._next_change

    def wake(self) -> None:
        """Have everyone who waits look again."""
        moved, self._next_change = self._next_change, asyncio.Event()
        moved.set()

    async def run(self, caught_up: asyncio.Event, stop: asyncio.Event) -> None:
        """Start once the topic was ``caught_up`` with, then mend holes until ``stop`` is set."""
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
        assert self._generation is not None, "there is a hole in a generation"
        place, up_to = Cursor(self._generation, self.ring.last), self._reorder_buffer.first - 1
        found = await self._read(place, up_to)
        if self._generation != place.generation or self.ring.last >= up_to:
            metrics.FEED_GAPS.labels("kafka").inc()
            return
        if found is None:
            metrics.FEED_GAPS.labels("subscribers").inc()
            self._reset_ring(up_to)
        else:
            metrics.FEED_GAPS.labels("log").inc()
            for event in found:
                if self.ring.last < event.sequence <= up_to:
                    self.ring.add(event)
            self.ring.skip_to(up_to)
            self._reorder_buffer.discard_through(self.ring.last)
        self._advance()

    async def _read(self, place: Cursor, up_to: int) -> Sequence[OrderEvent] | None:
        """The events of a hole from the log; None where subscribers have to page over it."""
        if up_to - place.sequence > self._capacity:
            _log.warning("hole is left to subscribers", after=place.sequence, up_to=up_to, error="too large")
            return None
        try:
            found = await self._read_log(place, up_to)
        except Exception as error:
            # Whatever kept the log from answering, subscribers have their own way to it.
            _log.warning("hole is left to subscribers", after=place.sequence, up_to=up_to, error=type(error).__name__)
            return None
        _log.info("hole filled from the log", after=place.sequence, up_to=up_to, events=len(found))
        return found

    def _generation_of(self, record: RawRecord) -> uuid.UUID:
        if self._generation is not None and record.generation == str(self._generation):
            return self._generation
        return uuid.UUID(record.generation)

    def _change_generation(self, generation: uuid.UUID, sequence: int) -> bool:
        """Go over to another generation, if this sequence of it is beyond what is known of the present one."""
        if self._reorder_buffer and sequence <= self._highest_sequence:
            return False
        if self._generation is not None:
            metrics.FEED_GENERATIONS.inc()
            _log.warning("another generation of the log begins", behind=sequence - 1, generation=str(generation))
        self._generation = generation
        self._reorder_buffer.clear()
        if self._started:
            self._reset_ring(sequence - 1)
        return True

    def _reset_ring(self, base: int) -> None:
        assert self._generation is not None, "a record says its generation"
        self.ring.reset(self._generation, base)
        self._reorder_buffer.discard_through(self.ring.last)

    def _advance(self) -> None:
        ring = self.ring
        while ring.last + 1 in self._reorder_buffer:
            event = self._reorder_buffer.pop(ring.last + 1)
            if event is not None:
                ring.add(event)
            else:
                ring.skip_to(ring.last + 1)
        moved = (ring.generation, ring.last) != self._last_notified
        self._last_notified = (ring.generation, ring.last)
        if not self._reorder_buffer:
            self._gap_since = None
            self._gap_opened.clear()
        elif self._gap_since is None or moved:
            self._gap_since = time.monotonic()
            self._gap_opened.set()
        if moved:
            self.wake()


class _ReorderBuffer:
    """Events that one before them is missing of, by their sequence; None for one that is not public.

    There are at most ``capacity`` and a tenth, of ``largest`` characters: the oldest give way, and up to ``floor``,
    the last that did, none is taken any more.
    """

    def __init__(self, capacity: int, largest: int) -> None:
        self._capacity = capacity
        self._max_characters = largest
        self._events: dict[int, OrderEvent | None] = {}
        self._size = 0
        self.floor = 0

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
        if len(self._events) > self._capacity + self._capacity // 10 or self._size > self._max_characters:
            ordered = sorted(self._events)
            surplus = max(len(ordered) - self._capacity, len(ordered) // 10, 1)
            self.floor = max(self.floor, ordered[surplus - 1])
            for one in ordered[:surplus]:
                self.pop(one)

    def pop(self, sequence: int) -> OrderEvent | None:
        event = self._events.pop(sequence)
        self._size -= _size(event)
        return event

    def discard_through(self, last: int) -> None:
        """Leave out what came, up to this sequence."""
        for sequence in [one for one in self._events if one <= last]:
            self.pop(sequence)

    def clear(self) -> None:
        self._events.clear()
        self._size = self.floor = 0


def _size(event: OrderEvent | None) -> int:
    return len(event.data) if event else 0


async def _wait_briefly(event: asyncio.Event) -> None:
    """Wait for it, but look up now and then: the process may be told to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await event.wait()


def _public_event(record: RawRecord, generation: uuid.UUID) -> OrderEvent | None:
    """The event as subscribers see it; None if it is not for them; LookupError for a type that is not known here."""
    received = decode_event(record)
    if received is None:
        raise LookupError(record.type)
    if not received.type.public:
        return None
    return OrderEvent(
        id=str(received.id),
        cursor=str(Cursor(generation, received.sequence)),
        sequence=received.sequence,
        type=received.type.name,
        time=received.time,
        subject=received.subject,
        organisation_id=received.organisation_id,
        data=(record.value or b"").decode(),
    )
