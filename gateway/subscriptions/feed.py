"""One feed a process: what Kafka brings from six partitions, put into ``sequence`` order.

An event is held back until the one before it is there. A hole older than 100 ms (a partition that lags, an event that
this build can't read) is filled from orders' log; where the log is away, too, the ring begins anew behind the hole,
and each subscriber pages over it by itself.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

from gateway.subscriptions.ring import Ring
from services.chassis.envelope import MalformedEvent, Raw, understand
from services.chassis.logging import logger
from services.contracts.orders import OrderEvent

_log = logger(__name__)

CAPACITY = 10_000
PATIENCE_S = 0.1

ReadLog = Callable[[int, int], Awaitable[Sequence[OrderEvent]]]
"""Every public event behind one sequence and up to another, in order."""


class Feed:
    """Takes in records as they come and keeps the newest events in order."""

    def __init__(self, read_log: ReadLog, capacity: int = CAPACITY, patience_s: float = PATIENCE_S) -> None:
        self._read_log = read_log
        self._patience_s = patience_s
        self._waiting: dict[int, OrderEvent | None] = {}
        self._hole_since: float | None = None
        self._hole = asyncio.Event()
        self._moved = asyncio.Event()
        self._started = False
        self.ring = Ring(capacity)

    def take(self, record: Raw) -> None:
        """Take in one record of orders' topic. Repeats are left out."""
        sequence = record.sequence
        if sequence is None or sequence in self._waiting:
            return
        if self.ring.base is not None and sequence <= self.ring.last:
            return
        try:
            event = _public_event(record)
        except (MalformedEvent, LookupError):
            return  # the log knows better: this stays a hole until it is asked
        self._waiting[sequence] = event
        if self._started:
            self._advance()

    def start(self) -> None:
        """Begin: all that was on the topic was taken in. The ring covers what is there without a hole."""
        self._started = True
        if self._waiting:
            base = max(self._waiting)
            while base in self._waiting:
                base -= 1
            self.ring.begin(base)
            self._waiting = {sequence: event for sequence, event in self._waiting.items() if sequence > base}
            self._advance()

    async def moved(self, position: int, timeout_s: float) -> None:
        """Wait until the ring goes beyond a position or no longer holds it, or the time is over."""
        moved = self._moved
        if self.ring.base is None or (self.ring.last <= position and self.ring.holds(position)):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), timeout_s)

    async def run(self, caught_up: asyncio.Event, stop: asyncio.Event) -> None:
        """Start once the topic was ``caught_up`` with, then mend holes until ``stop`` is set."""
        while not (caught_up.is_set() or stop.is_set()):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(caught_up.wait(), 0.5)
        self.start()
        while not stop.is_set():
            if self._hole_since is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hole.wait(), 0.5)
                continue
            left = self._hole_since + self._patience_s - time.monotonic()
            if left > 0:
                await asyncio.sleep(left)
            else:
                await self._mend()

    async def _mend(self) -> None:
        after, up_to = self.ring.last, min(self._waiting) - 1
        try:
            events = await self._read_log(after, up_to)
        except Exception as error:
            # Whatever kept the log from answering, subscribers have their own way to it.
            _log.warning("hole is left to subscribers", after=after, up_to=up_to, error=type(error).__name__)
            if self.ring.last < up_to:
                self.ring.begin(up_to)
        else:
            _log.info("hole filled from the log", after=after, up_to=up_to, events=len(events))
            for event in events:
                if self.ring.last < event.sequence <= up_to:
                    self.ring.add(event)
            self.ring.cover(up_to)
        self._waiting = {sequence: event for sequence, event in self._waiting.items() if sequence > self.ring.last}
        self._advance()

    def _advance(self) -> None:
        if self.ring.base is None:
            self.ring.begin(min(self._waiting) - 1)
        before = self.ring.last
        while self.ring.last + 1 in self._waiting:
            event = self._waiting.pop(self.ring.last + 1)
            if event is not None:
                self.ring.add(event)
            else:
                self.ring.cover(self.ring.last + 1)
        if not self._waiting:
            self._hole_since = None
            self._hole.clear()
        elif self._hole_since is None or self.ring.last > before:
            self._hole_since = time.monotonic()
            self._hole.set()
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


def _public_event(record: Raw) -> OrderEvent | None:
    """The event as subscribers see it; None if it is not for them; LookupError for a type that is not known here."""
    received = understand(record)
    if received is None:
        raise LookupError(record.type)
    if not received.type.public:
        return None
    return OrderEvent(
        id=str(received.id),
        cursor="",
        sequence=received.sequence,
        type=received.type.name,
        time=received.time,
        subject=received.subject,
        organisation_id=received.organisation_id,
        data=(record.value or b"").decode(),
    )
