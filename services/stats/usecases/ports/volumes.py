"""The port of volumes."""

from collections.abc import Sequence
from typing import Protocol

from services.stats.domain.pickup import VolumeDelta


class VolumeRepository(Protocol):
    """The volumes: grams and pickups by organisation, day, site, article and fraction."""

    async def add(self, deltas: Sequence[VolumeDelta]) -> None:
        """Add each delta to its volume; one volume may have several deltas."""
        ...
