"""The recording of pickups as facts (T1, T10)."""

from collections.abc import Sequence

from services.stats.domain.pickup import PickupFact, correcting_deltas, counting_day, latest_versions, volume_delta
from services.stats.usecases.ports.transaction import StatsStore


async def record_pickups(tx: StatsStore, pickups: Sequence[PickupFact]) -> None:
    """Save pickups and correct the volumes; a pickup that is not newer than the saved one changes nothing."""
    counted = [(pickup, counting_day(pickup, tx.clock.zone)) for pickup in latest_versions(pickups)]
    before = await tx.pickups.upsert(counted)
    await tx.volumes.add(
        [
            delta
            for pickup, day in counted
            if pickup.id in before
            for delta in correcting_deltas(before[pickup.id], volume_delta(pickup, day))
        ]
    )
