"""NOTIFY after commits: to the relay when there are events, to the runners of jobs when there are jobs."""

import asyncio
import contextlib

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool


class CommitNotifier:
    """Executes one ``statement`` at a time; requests that come meanwhile are merged into the next.

    The NOTIFY is sent after the commit: in a transaction it would take a database-wide lock at commit. A lost one costs
    little, as its receivers poll, too.
    """

    def __init__(self, pool: Pool, statement: str) -> None:
        self._pool = pool
        self._statement = statement
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
                        await self._pool.execute(self._statement)
        finally:
            stopped.cancel()
