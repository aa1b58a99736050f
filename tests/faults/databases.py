"""Connections to the databases of the stack under faults."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

import asyncpg

from deploy.local.secrets import SERVICES

Databases = Mapping[str, "asyncpg.Connection[asyncpg.Record]"]


class OpenDatabases:
    """A connection to each service's database, open from poll to poll: opening them takes longer than a poll."""

    def __init__(self, url_of: Callable[[str], str]) -> None:
        self._url_of = url_of
        self._opened: dict[str, asyncpg.Connection[asyncpg.Record]] = {}

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[Databases]:
        """Yield the connections by service. After an error in the block they are opened again the next time."""
        try:
            for service in SERVICES:
                if service not in self._opened:
                    self._opened[service] = await asyncpg.connect(self._url_of(service), timeout=5)
            yield self._opened
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections at once."""
        for connection in self._opened.values():
            connection.terminate()
        self._opened.clear()
