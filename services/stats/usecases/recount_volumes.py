"""Counting the volumes anew from the facts, whatever they were (T10)."""

from services.stats.usecases.ports import StatsStore


async def recount_volumes(tx: StatsStore) -> None:
    """Make every volume the sum of its facts."""
    await tx.recount_volumes()
