"""The port of recorded pickups."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Protocol

from services.orders.domain.pickup import RecordedPickup


class PickupRepository(Protocol):
    """Recorded pickups: those with a report."""

    async def lock_by_id(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, RecordedPickup]:
        """Lock those of these pickups that are recorded."""
        ...

    async def after(self, after: uuid.UUID, limit: int) -> Sequence[RecordedPickup]:
        """Return the recorded pickups with the next ids, locked against change."""
        ...

    async def save(self, pickups: Sequence[RecordedPickup]) -> None: ...
