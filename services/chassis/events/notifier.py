"""Waking the relay: a NOTIFY after a commit that announced something, without payload, many commits to one."""

import asyncio
import contextlib

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.events import outbox


class OutboxNotifier:
    """Sends at most one NOTIFY at a time; those wanted meanwhile become one.

    It is sent after the commit and not in it: NOTIFY in a transaction takes a lock over the whole database at commit.
    A lost one costs 100 ms, since the relay also looks by itself.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._requested = asyncio.Event()

    def notify(self) -> None:
        self._requested.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send them until ``stop`` is set."""
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                wanted = asyncio.ensure_future(self._requested.wait())
                await asyncio.wait((wanted, stopped), return_when=asyncio.FIRST_COMPLETED)
                wanted.cancel()
                if self._requested.is_set():
                    self._requested.clear()
                    with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS):
                        await self._pool.execute(f"NOTIFY {outbox.CHANNEL}")
        finally:
            stopped.cancel()
