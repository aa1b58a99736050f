"""What is deleted by itself: sessions a week after their end, failed attempts after a quiet day."""

import asyncio
import contextlib
import datetime as dt

from services.chassis.clock import Clock
from services.chassis.pause import pause
from services.chassis.postgres import NO_ONES_FAULT, Pool
from services.identity.domain.attempts import QUIET, WINDOW

_SESSIONS = "DELETE FROM sessions WHERE least(expires_at, ended_at) < $1"
_ATTEMPTS = "DELETE FROM attempts WHERE since <= $1 OR count = 0 AND since <= $2"
_AFTERWARDS = dt.timedelta(days=7)
_EVERY_S = 600


async def forget(pool: Pool, now: dt.datetime) -> None:
    """Delete what has expired."""
    await pool.execute(_SESSIONS, now - _AFTERWARDS)
    await pool.execute(_ATTEMPTS, now - QUIET, now - WINDOW)


async def keep_forgetting(pool: Pool, clock: Clock, stop: asyncio.Event) -> None:
    """Delete what has expired, now and every ten minutes, until ``stop`` is set."""
    while not stop.is_set():
        with contextlib.suppress(*NO_ONES_FAULT):
            await forget(pool, clock.now())
        await pause(stop, _EVERY_S)
