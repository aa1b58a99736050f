"""The ring buffer with the newest events of the log."""

import uuid
from bisect import bisect_right
from collections.abc import Sequence

from services.chassis.events.event_log import Cursor
from services.contracts.orders.event_log import OrderEvent


class RingBuffer:
    """All public events of one generation with sequences above ``base``, up to ``last``.

    It has at most 1.1 times ``capacity`` events, whose data have at most ``max_bytes`` bytes. Older events
    are in the log only.
    """

    def __init__(self, capacity: int, max_bytes: int) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._size = 0
        self._sequences: list[int] = []
        self._events: list[OrderEvent] = []
        self.generation: uuid.UUID | None = None
        self.base: int | None = None
        """None until the first reset, as ``generation``: the ring buffer has no events then."""
        self.last = 0

    def reset(self, generation: uuid.UUID, base: int) -> None:
        """Remove all events and continue after ``base`` of this generation."""
        self._sequences.clear()
        self._events.clear()
        self._size = 0
        self.generation = generation
        self.base = self.last = base

    def add(self, event: OrderEvent) -> None:
        """Add the next public event."""
        self._sequences.append(event.sequence)
        self._events.append(event)
        self._size += data_size(event)
        self.last = event.sequence
        surplus = len(self._events) - self._capacity
        if surplus > self._capacity // 10:
            self._evict(surplus)
        while self._size > self._max_bytes and len(self._events) > 1:
            self._evict(max(1, len(self._events) // 10))

    def _evict(self, count: int) -> None:
        """Remove the oldest events."""
        self._size -= sum(data_size(event) for event in self._events[:count])
        self.base = self._sequences[count - 1]
        del self._sequences[:count], self._events[:count]

    def skip_to(self, sequence: int) -> None:
        """Set ``last``: there are no further public events up to this sequence."""
        self.last = max(self.last, sequence)

    def holds(self, after: Cursor) -> bool:
        """Return whether the ring buffer has all events after a cursor."""
        return self.base is not None and after.generation == self.generation and after.sequence >= self.base

    def events_after(self, sequence: int, limit: int) -> tuple[Sequence[OrderEvent], int]:
        """Return at most ``limit`` events after a sequence, and the sequence to continue after."""
        start = bisect_right(self._sequences, sequence)
        events = self._events[start : start + limit]
        if len(events) == limit:
            return events, events[-1].sequence
        return events, max(sequence, self.last)


def data_size(event: OrderEvent) -> int:
    """Return the size of an event's data, in bytes."""
    return memoryview(event.data).nbytes
