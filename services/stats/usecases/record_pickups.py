"""Taking in what became of pickups (T1, T10)."""

from collections.abc import Sequence

from services.stats.domain.pickup import PickupFact, collected, corrections, counted_on, newest
from services.stats.usecases.ports import StatsStore


async def record_pickups(tx: StatsStore, pickups: Sequence[PickupFact]) -> None:
    """Keep pickups and have the volumes follow; one that is no newer than what is known changes nothing."""
    counted = [(pickup, counted_on(pickup, tx.clock.zone)) for pickup in newest(pickups)]
    before = await tx.keep_pickups(counted)
    await tx.add_to_volumes(
        [
            line
            for pickup, day in counted
            if pickup.id in before
            for line in corrections(before[pickup.id], collected(pickup, day))
        ]
    )
