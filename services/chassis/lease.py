"""Leadership of a service's relay: one row with an epoch and an end by the database's clock.

Whoever finds the lease over takes it and raises the epoch; every later update says ``WHERE epoch = mine``, so a leader
that slept too long finds no row and stops at once.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from services.chassis.postgres import Connection

A = TypeVar("A")

_TAKE = """
    UPDATE chassis.leader SET epoch = epoch + 1, holder = $1, until = clock_timestamp() + make_interval(secs => $2)
    WHERE until < clock_timestamp() OR holder = $1
    RETURNING epoch
"""
_KEEP = """
    UPDATE chassis.leader SET until = clock_timestamp() + make_interval(secs => $2) WHERE epoch = $1 RETURNING true
"""
_GIVE_BACK = "UPDATE chassis.leader SET until = '-infinity' WHERE epoch = $1"

LEASE_S = 5.0
"""How long a lease lasts unless it is renewed."""

_RENEW_S = 1.0


class Deposed(Exception):
    """Another process leads now: what this one was about to do is not its to do any more."""


async def take(connection: Connection, holder: str) -> int | None:
    """Lead, if nobody does: the new epoch, or None. A holder that comes back under its name need not wait."""
    epoch: int | None = await connection.fetchval(_TAKE, holder, LEASE_S)
    return epoch


async def keep(connection: Connection, epoch: int) -> None:
    """Lead on; Deposed if another has taken over."""
    if not await connection.fetchval(_KEEP, epoch, LEASE_S):
        raise Deposed


async def meanwhile(connection: Connection, epoch: int, awaited: Awaitable[A]) -> A:
    """Wait for something that does not use this connection, and lead on for as long as it takes."""
    waiting = asyncio.ensure_future(awaited)
    try:
        while not (await asyncio.wait((waiting,), timeout=_RENEW_S))[0]:
            await keep(connection, epoch)
        return waiting.result()
    finally:
        waiting.cancel()


async def give_back(connection: Connection, epoch: int) -> None:
    """Stop leading, so that the next need not wait for the end."""
    await connection.execute(_GIVE_BACK, epoch)
