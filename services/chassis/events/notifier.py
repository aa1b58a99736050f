"""NOTIFY to the relay after commits that wrote events."""

import asyncio
import contextlib

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.events import outbox


class OutboxNotifier:
    """Sends one NOTIFY at a time; requests that come meanwhile are merged into the next.

    The NOTIFY is sent after the commit: in a transaction it would take a database-wide lock at commit. A lost one costs
    100 ms, as the relay polls, too.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._requested = asyncio.Event()

    def notify(self) -> None:
        """Request a NOTIFY."""
        self._requested.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send requested notifications until ``stop`` is set."""
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                requested = asyncio.ensure_future(self._requested.wait())
                await asyncio.wait((requested, stopped), return_when=asyncio.FIRST_COMPLETED)
                requested.cancel()
                if self._requested.is_set():
                    self._requested.clear()
                    with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS):
                        await self._pool.execute(f"NOTIFY {outbox.CHANNEL}")
        finally:
            stopped.cancel()
