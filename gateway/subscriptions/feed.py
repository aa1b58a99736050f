"""One feed a process: what Kafka brings from six partitions, put into ``sequence`` order.

An event is held back until the one before it is there. A hole older than 100 ms (a partition that lags, an event that
this build can't read) is filled from orders' log; where the log is away, too, the ring begins anew behind the hole,
and each subscriber pages over it by itself.

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

from gateway.subscriptions.ring import Ring
from services.chassis import metrics
from services.chassis.envelope import Raw, understand
from services.chassis.log import Cursor
from services.chassis.logging import logger
from services.contracts.orders import OrderEvent

_log = logger(__name__)

CAPACITY = 10_000
PATIENCE_S = 0.1

ReadLog = Callable[[Cursor, int], Awaitable[Sequence[OrderEvent]]]
"""Every public event behind a place and up to a sequence, in order."""


class Feed:
    """Takes in records as they come and keeps the newest events in order."""

    def __init__(self, read_log: ReadLog, capacity: int = CAPACITY, patience_s: float = PATIENCE_S) -> None:
        self._read_log = read_log
        self._patience_s = patience_s
        self._generation: uuid.UUID | None = None
        self._waiting: dict[int, OrderEvent | None] = {}
        self._highest = 0
        self._hole_since: float | None = None
        self._hole = asyncio.Event()
        self._moved = asyncio.Event()
        self._stood: tuple[uuid.UUID | None, int] = (None, 0)
        self._started = False
        self.ring = Ring(capacity)

    def take(self, record: Raw) -> None:
        """Take in one record of orders' topic. Repeats are left out."""
        sequence = record.sequence
        if sequence is None or (self.ring.base is not None and sequence <= self.ring.last):
            return
        try:
            generation = self._generation_of(record)
            if generation == self._generation and sequence in self._waiting:
                return
            event = _public_event(record, generation)
        except (ValueError, LookupError):
            return  # the log knows better: this stays a hole until it is asked
        if generation != self._generation and not self._change(generation, sequence):
            return
        self._waiting[sequence] = event
        self._highest = max(self._highest, sequence)
        if self._started:
            self._advance()

    def start(self) -> None:
        """Begin: all that was on the topic was taken in. The ring covers what is there without a hole."""
        self._started = True
        if self._waiting:
            base = max(self._waiting)
            while base in self._waiting:
                base -= 1
            self._begin(base)
            self._advance()

    @property
    def movement(self) -> asyncio.Event:
        """Set when there is something new to look at from now on; another one each time."""
        return self._moved

    def wake(self) -> None:
        """Have everyone who waits look again."""
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def run(self, caught_up: asyncio.Event, stop: asyncio.Event) -> None:
        """Start once the topic was ``caught_up`` with, then mend holes until ``stop`` is set."""
        while not (caught_up.is_set() or stop.is_set()):
            await _wait_for(caught_up)
        self.start()
        while not stop.is_set():
            since = self._hole_since
            if since is None:
                await _wait_for(self._hole)
                continue
            await asyncio.sleep(since + self._patience_s - time.monotonic())
            if self._hole_since != since:
                metrics.FEED_HOLES.labels("kafka").inc()
            else:
                await self._mend()

    async def _mend(self) -> None:
        assert self._generation is not None, "there is a hole in a generation"
        place, up_to = Cursor(self._generation, self.ring.last), min(self._waiting) - 1
        try:
            events = await self._read_log(place, up_to)
        except Exception as error:
            # Whatever kept the log from answering, subscribers have their own way to it.
            found = None
            _log.warning("hole is left to subscribers", after=place.sequence, up_to=up_to, error=type(error).__name__)
        else:
            found = events
            _log.info("hole filled from the log", after=place.sequence, up_to=up_to, events=len(events))
        if self._generation != place.generation or self.ring.last >= up_to:
            metrics.FEED_HOLES.labels("kafka").inc()
            return
        if found is None:
            metrics.FEED_HOLES.labels("subscribers").inc()
            self._begin(up_to)
        else:
            metrics.FEED_HOLES.labels("log").inc()
            for event in found:
                if self.ring.last < event.sequence <= up_to:
                    self.ring.add(event)
            self.ring.cover(up_to)
            self._leave_out_repeats()
        self._advance()

    def _generation_of(self, record: Raw) -> uuid.UUID:
        if self._generation is not None and record.generation == str(self._generation):
            return self._generation
        return uuid.UUID(record.generation)

    def _change(self, generation: uuid.UUID, sequence: int) -> bool:
        """Go over to another generation, if this sequence of it is beyond what is known of the present one."""
        if self._waiting and sequence <= self._highest:
            return False
        if self._generation is not None:
            metrics.FEED_GENERATIONS.inc()
            _log.warning("another generation of the log begins", behind=sequence - 1, generation=str(generation))
        self._generation = generation
        self._waiting.clear()
        if self._started:
            self._begin(sequence - 1)
        return True

    def _begin(self, base: int) -> None:
        assert self._generation is not None, "a record says its generation"
        self.ring.begin(self._generation, base)
        self._leave_out_repeats()

    def _leave_out_repeats(self) -> None:
        self._waiting = {sequence: event for sequence, event in self._waiting.items() if sequence > self.ring.last}

    def _advance(self) -> None:
        ring = self.ring
        while ring.last + 1 in self._waiting:
            event = self._waiting.pop(ring.last + 1)
            if event is not None:
                ring.add(event)
            else:
                ring.cover(ring.last + 1)
        moved = (ring.generation, ring.last) != self._stood
        self._stood = (ring.generation, ring.last)
        if not self._waiting:
            self._hole_since = None
            self._hole.clear()
        elif self._hole_since is None or moved:
            self._hole_since = time.monotonic()
            self._hole.set()
        if moved:
            self.wake()


async def _wait_for(event: asyncio.Event) -> None:
    """Wait for it, but look up now and then: the process may be told to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await event.wait()


def _public_event(record: Raw, generation: uuid.UUID) -> OrderEvent | None:
    """The event as subscribers see it; None if it is not for them; LookupError for a type that is not known here."""
    received = understand(record)
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
