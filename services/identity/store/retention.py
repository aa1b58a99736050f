"""Retention: sessions are deleted a week after their end, failed attempts after a day without another."""

import asyncio
import contextlib
import datetime as dt

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.runtime.clock import Clock
from services.chassis.runtime.pause import pause
from services.identity.domain.attempts import FAILURE_EXPIRY, WINDOW

_DELETE_SESSIONS = "DELETE FROM sessions WHERE least(expires_at, ended_at) < $1"
_DELETE_ATTEMPTS = "DELETE FROM attempts WHERE since <= $1 OR count = 0 AND since <= $2"
_SESSION_RETENTION = dt.timedelta(days=7)
_INTERVAL_S = 600


async def delete_expired(pool: Pool, now: dt.datetime) -> None:
    """Delete what has expired."""
    await pool.execute(_DELETE_SESSIONS, now - _SESSION_RETENTION)
    await pool.execute(_DELETE_ATTEMPTS, now - FAILURE_EXPIRY, now - WINDOW)


async def enforce_retention(pool: Pool, clock: Clock, stop: asyncio.Event) -> None:
    """Delete what has expired, now and every ten minutes, until ``stop`` is set."""
    while not stop.is_set():
        with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS):
            await delete_expired(pool, clock.now())
        await pause(stop, _INTERVAL_S)
