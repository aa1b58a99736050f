"""The subscribers of a process, indexed by what they may see: an event wakes those alone whom it may concern.

An index key is the id of an organisation, of a site, or EVERYTHING. A subscriber's keys cover at least what it is sent:
each event is judged again when it is sent.
"""

import asyncio
from collections.abc import Callable, Collection

from services.contracts.orders.event_log import OrderEvent

EVERYTHING = ""
"""The key of subscribers of all organisations."""


class Listener:
    """A subscriber's place in the index, and the first event that may concern it since it last looked."""

    def __init__(self, subject_id: str, keys: Callable[[], Collection[str]]) -> None:
        """``keys`` returns the subscriber's present keys; they change with the access of ``subject_id``."""
        self.subject_id = subject_id
        self.keys = keys
        self.woken = asyncio.Event()
        self._first: int | None = None

    def take(self) -> int | None:
        """Return the first event that may concern the subscriber since the last call; None if there was none.

        It is 0 if the subscriber has to look at all that is behind its position.
        """
        first, self._first = self._first, None
        self.woken.clear()
        return first

    def note(self, sequence: int) -> None:
        """Note an event that may concern the subscriber, and wake it."""
        if self._first is None:
            self._first = sequence
            self.woken.set()


class SubscriberIndex:
    """Listeners by their keys, and by the subjects whose access decides on the keys."""

    def __init__(self) -> None:
        self._keys: dict[Listener, Collection[str]] = {}
        self._by_key: dict[str, set[Listener]] = {}
        self._by_subject: dict[str, set[Listener]] = {}

    def add(self, listener: Listener) -> None:
        """Add a listener."""
        self._by_subject.setdefault(listener.subject_id, set()).add(listener)
        self._enter(listener)

    def remove(self, listener: Listener) -> None:
        """Remove a listener."""
        self._leave(listener)
        _discard(self._by_subject, listener.subject_id, listener)

    def update(self, subject_id: str) -> None:
        """Move the listeners of a subject whose access changed, and wake them."""
        for listener in self._by_subject.get(subject_id, ()):
            self._leave(listener)
            self._enter(listener)
            listener.woken.set()

    def notify(self, event: OrderEvent) -> None:
        """Wake the listeners whom an event may concern."""
        for key in (EVERYTHING, event.organisation_id, event.site_id):
            if key is not None:
                for listener in self._by_key.get(key, ()):
                    listener.note(event.sequence)

    def notify_all(self) -> None:
        """Wake all listeners to look at all that is behind their positions: events were left out."""
        for listener in self._keys:
            listener.take()
            listener.note(0)

    def _enter(self, listener: Listener) -> None:
        self._keys[listener] = keys = listener.keys()
        for key in keys:
            self._by_key.setdefault(key, set()).add(listener)

    def _leave(self, listener: Listener) -> None:
        for key in self._keys.pop(listener):
            _discard(self._by_key, key, listener)


def _discard(index: dict[str, set[Listener]], key: str, listener: Listener) -> None:
    """Remove a listener from a key, and the key with its last one."""
    index[key].discard(listener)
    if not index[key]:
        del index[key]
