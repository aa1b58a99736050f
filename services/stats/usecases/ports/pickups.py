"""The port of pickups as facts."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Protocol

from services.stats.domain.pickup import PickupFact, VolumeDelta


class PickupFactRepository(Protocol):
    """Pickups as facts."""

    async def upsert(
        self, pickups: Sequence[tuple[PickupFact, dt.date | None]]
    ) -> Mapping[uuid.UUID, VolumeDelta | None]:
        """Save different pickups, each with the day on which it counts, if any.

        Return, by the ids of those that were saved, what their older version counted. A pickup that is not newer than
        the saved one is left out.
        """
        ...
