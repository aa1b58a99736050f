"""Leadership of a service's relay: a lease, one row with an epoch and an expiry by the database's clock.

A relay acquires an expired lease and increments the epoch. Every update of the leader has a condition on its epoch: one
whose lease was acquired by another updates no row, and stops.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from services.chassis.db.postgres import DatabaseConnection

A = TypeVar("A")

_ACQUIRE = """
    UPDATE chassis.leader SET epoch = epoch + 1, holder = $1, until = clock_timestamp() + make_interval(secs => $2)
    WHERE until < clock_timestamp() OR holder = $1
    RETURNING epoch
"""
_RENEW = """
    UPDATE chassis.leader SET until = clock_timestamp() + make_interval(secs => $2) WHERE epoch = $1 RETURNING true
"""
_RELEASE = "UPDATE chassis.leader SET until = '-infinity' WHERE epoch = $1"

LEASE_S = 5.0
"""The time after which a lease expires unless it is renewed."""

_RENEW_INTERVAL_S = 1.0


class LeadershipLost(Exception):
    """Another relay has acquired the lease: this one must not write any more."""


async def acquire(connection: DatabaseConnection, holder: str) -> int | None:
    """Acquire an expired lease, or the holder's own after a restart; return the new epoch, None if another leads."""
    epoch: int | None = await connection.fetchval(_ACQUIRE, holder, LEASE_S)
    return epoch


async def renew(connection: DatabaseConnection, epoch: int) -> None:
    """Extend the lease. Raises LeadershipLost."""
    if not await connection.fetchval(_RENEW, epoch, LEASE_S):
        raise LeadershipLost


async def renew_while(connection: DatabaseConnection, epoch: int, awaited: Awaitable[A]) -> A:
    """Await something that does not use this connection, renewing the lease meanwhile."""
    waiting = asyncio.ensure_future(awaited)
    try:
        while not (await asyncio.wait((waiting,), timeout=_RENEW_INTERVAL_S))[0]:
            await renew(connection, epoch)
        return waiting.result()
    finally:
        waiting.cancel()


async def release(connection: DatabaseConnection, epoch: int) -> None:
    """Expire the lease at once, so that the next relay need not wait."""
    await connection.execute(_RELEASE, epoch)
