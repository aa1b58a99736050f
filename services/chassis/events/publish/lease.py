"""Leadership of a service's relay: one row with an epoch and an end by the database's clock.

Whoever finds the lease over takes it and raises the epoch; every later update says ``WHERE epoch = mine``, so a leader
that slept too long finds no row and stops at once.
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
"""How long a lease lasts unless it is renewed."""

_RENEW_INTERVAL_S = 1.0


class LeadershipLost(Exception):
    """Another process leads now: what this one was about to do is not its to do any more."""


async def acquire(connection: DatabaseConnection, holder: str) -> int | None:
    """Lead, if nobody does: the new epoch, or None. A holder that comes back under its name need not wait."""
    epoch: int | None = await connection.fetchval(_ACQUIRE, holder, LEASE_S)
    return epoch


async def renew(connection: DatabaseConnection, epoch: int) -> None:
    """Lead on; Deposed if another has taken over."""
    if not await connection.fetchval(_RENEW, epoch, LEASE_S):
        raise LeadershipLost


async def renew_while(connection: DatabaseConnection, epoch: int, awaited: Awaitable[A]) -> A:
    """Wait for something that does not use this connection, and lead on for as long as it takes."""
    waiting = asyncio.ensure_future(awaited)
    try:
        while not (await asyncio.wait((waiting,), timeout=_RENEW_INTERVAL_S))[0]:
            await renew(connection, epoch)
        return waiting.result()
    finally:
        waiting.cancel()


async def release(connection: DatabaseConnection, epoch: int) -> None:
    """Stop leading, so that the next need not wait for the end."""
    await connection.execute(_RELEASE, epoch)
