"""Callers that spend units of a budget."""

import asyncio
import uuid

from gateway.rate_limit.budget import Budget
from gateway.rate_limit.policy import Policy

HOURLY_POLICY = Policy("user", quota=10_000, window_s=3600)


def caller_with_time(budget: Budget, seconds: int = 120) -> str:
    """Return a new caller whose window does not end within so many seconds."""
    while True:
        key = f"user_{uuid.uuid4()}"
        if budget.spend(key, 0).resets_in > seconds:
            return key


async def spend(budget: Budget, key: str, cost: int) -> int:
    """Spend units, with retries while a lease is pending, and return the units admitted, or 0."""
    while True:
        status = budget.spend(key, cost)
        if status.allowed or status.retry_after > 1:
            return cost if status.allowed else 0
        await asyncio.sleep(0.001)


async def exhaust(budget: Budget, key: str, cost: int) -> int:
    """Spend until the quota is exhausted, and return the units admitted."""
    admitted = 0
    while units := await spend(budget, key, cost):
        admitted += units
        await asyncio.sleep(0)
    return admitted
