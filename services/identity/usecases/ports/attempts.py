"""The port of the counts of attempts."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from services.identity.domain.attempts import AttemptCount, AttemptCounter


class AttemptRepository(Protocol):
    """The counts of attempts of a transaction."""

    async def lock(self, counters: Sequence[AttemptCounter], now: dt.datetime) -> dict[AttemptCounter, AttemptCount]:
        """Return the counts of these counters, locked for change. A missing one begins now."""
        ...

    async def save(self, counts: Sequence[AttemptCount]) -> None:
        """Update counts that are locked."""
        ...

    async def refund(self, counters: Sequence[AttemptCounter]) -> None:
        """Undo the counting of a successful attempt: decrement the address's count, reset the others."""
        ...
