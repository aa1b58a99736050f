"""Callers that spend."""

import asyncio
import uuid

from gateway.rate_limit.budget import Budget
from gateway.rate_limit.policy import Policy

HOURLY_POLICY = Policy("user", quota=10_000, window_s=3600)


def caller_with_time(budget: Budget, seconds: int = 120) -> str:
    """A new caller whose window is far from its end."""
    while True:
        key = f"user_{uuid.uuid4()}"
        if budget.spend(key, 0).resets_in > seconds:
            return key


async def spend(budget: Budget, key: str, cost: int) -> int:
    """Spend, again if only a lease had to arrive (tests spend a quota in a moment); units that were let in, or 0."""
    while True:
        spent = budget.spend(key, cost)
        if spent.allowed or spent.retry_after > 1:
            return cost if spent.allowed else 0
        await asyncio.sleep(0.001)


async def exhaust(budget: Budget, key: str, cost: int) -> int:
    """Spend until the window has no more; how many units were let in."""
    let_in = 0
    while units := await spend(budget, key, cost):
        let_in += units
        await asyncio.sleep(0)
    return let_in
