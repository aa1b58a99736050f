"""Taking in what became of a pickup (T1, T10)."""

from services.stats.domain.pickup import PickupFact, collected, corrections, counted_on
from services.stats.usecases.ports import StatsStore


async def record_pickup(tx: StatsStore, pickup: PickupFact) -> None:
    """Keep a pickup and have the volumes follow; one that is no newer than what is known changes nothing."""
    day = counted_on(pickup, tx.clock.zone)
    kept = await tx.keep_pickup(pickup, day)
    if kept is not None:
        await tx.add_to_volumes(corrections(kept.before, collected(pickup, day)))
