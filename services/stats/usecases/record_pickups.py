"""Taking in what became of pickups (T1, T10)."""

from collections.abc import Sequence

from services.stats.domain.pickup import PickupFact, correcting_deltas, counting_day, latest_versions, volume_delta
from services.stats.usecases.ports import StatsStore


async def record_pickups(tx: StatsStore, pickups: Sequence[PickupFact]) -> None:
    """Keep pickups and have the volumes follow; one that is no newer than what is known changes nothing."""
    counted = [(pickup, counting_day(pickup, tx.clock.zone)) for pickup in latest_versions(pickups)]
    before = await tx.upsert_pickups(counted)
    await tx.add_to_volumes(
        [
            line
            for pickup, day in counted
            if pickup.id in before
            for line in correcting_deltas(before[pickup.id], volume_delta(pickup, day))
        ]
    )
