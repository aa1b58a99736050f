"""The newest events of the log, in memory."""

import uuid
from bisect import bisect_right
from collections.abc import Sequence

from services.chassis.events.event_log import Cursor
from services.contracts.orders import OrderEvent


class RingBuffer:
    """Holds every public event of one generation with a sequence above ``base`` and up to ``last``.

    What is older is in the log alone. ``base`` and ``generation`` are None while nothing is known: then everything is.
    It has the newest events, at most ``capacity`` and a tenth, whose data have at most ``largest`` characters.
    """

    def __init__(self, capacity: int, largest: int) -> None:
        self._capacity = capacity
        self._max_characters = largest
        self._size = 0
        self._sequences: list[int] = []
        self._events: list[OrderEvent] = []
        self.generation: uuid.UUID | None = None
        self.base: int | None = None
        self.last = 0

    def reset(self, generation: uuid.UUID, base: int) -> None:
        """Forget everything; the next event is the one behind ``base``, of this generation."""
        self._sequences.clear()
        self._events.clear()
        self._size = 0
        self.generation = generation
        self.base = self.last = base

    def add(self, event: OrderEvent) -> None:
        """Add the next public event."""
        self._sequences.append(event.sequence)
        self._events.append(event)
        self._size += len(event.data)
        self.last = event.sequence
        surplus = len(self._events) - self._capacity
        if surplus > self._capacity // 10:
            self._evict(surplus)
        while self._size > self._max_characters and len(self._events) > 1:
            self._evict(max(1, len(self._events) // 10))

    def _evict(self, count: int) -> None:
        """Leave the oldest to the log."""
        self._size -= sum(len(event.data) for event in self._events[:count])
        self.base = self._sequences[count - 1]
        del self._sequences[:count], self._events[:count]

    def skip_to(self, sequence: int) -> None:
        """Say that there is no public event up to ``sequence`` beside those added."""
        self.last = max(self.last, sequence)

    def holds(self, place: Cursor) -> bool:
        """Whether everything behind a place is in the ring (as far as it goes yet)."""
        return self.base is not None and place.generation == self.generation and place.sequence >= self.base

    def events_after(self, position: int, limit: int) -> tuple[Sequence[OrderEvent], int]:
        """The events behind a position, at most ``limit``, and the position after them."""
        start = bisect_right(self._sequences, position)
        events = self._events[start : start + limit]
        if len(events) == limit:
            return events, events[-1].sequence
        return events, max(position, self.last)
