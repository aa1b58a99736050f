"""Progress of bulk operations: one reader for each watched operation, however many watch it.

Progress is no event: it is read from the owner once a second while someone watches, until the state is final. The
reader gets numbers alone; whether a watcher may see them is judged by a read of the watcher's own.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

from services.access.service_token import ServiceTokens
from services.chassis.problems import NotReadyYet
from services.chassis.rpc.channel import CallFailed, ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.telemetry.logging import logger
from services.contracts.bulk_operations import BulkProgress
from services.contracts.imports import Importing

_log = logger(__name__)

INTERVAL_S = 1.0

ReadProgress = Callable[[str], Awaitable[BulkProgress | None]]
"""Reader of an operation's progress at its owner; None if it does not exist."""


class _Reader:
    """The reader of one operation, and what it has read."""

    def __init__(self) -> None:
        self.watchers = 0
        self.tick = asyncio.Event()
        """Set after each attempt to read; each has its own."""
        self.progress: list[BulkProgress | None] = []
        """The last thing that was read; empty before the first time."""
        self.task: asyncio.Task[None] | None = None


class BulkProgressFeed:
    """The progress of the operations that are watched in this process."""

    def __init__(self, read: ReadProgress, interval_s: float = INTERVAL_S) -> None:
        self._read = read
        self._interval_s = interval_s
        self._readers: dict[str, _Reader] = {}

    async def follow(
        self, operation_id: str, check: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[BulkProgress | None, None]:
        """Yield an operation's progress, and again after each change, until its state is final.

        ``check`` returns whether the watcher may see the operation now, or raises the reason why not; it is called
        before each item, and once a second. An operation that does not exist, or that the watcher may not see (any
        more), is None, which is the last item.
        """
        if not await check():
            yield None
            return
        async with self._reader(operation_id) as reader:
            shown: list[BulkProgress | None] = []
            while True:
                tick = reader.tick
                if not await check():
                    yield None
                    return
                if reader.progress != shown:
                    shown = reader.progress
                    yield shown[0]
                    if shown[0] is None or shown[0].state.final:
                        return
                    continue
                await tick.wait()

    @contextlib.asynccontextmanager
    async def _reader(self, operation_id: str) -> AsyncGenerator[_Reader, None]:
        """Give the operation's reader, which runs until its last watcher has left."""
        reader = self._readers.setdefault(operation_id, _Reader())
        if reader.task is None:
            reader.task = asyncio.create_task(self._run(operation_id, reader))
        reader.watchers += 1
        try:
            yield reader
        finally:
            reader.watchers -= 1
            if not reader.watchers:
                del self._readers[operation_id]
                reader.task.cancel()

    async def _run(self, operation_id: str, reader: _Reader) -> None:
        while True:
            try:
                reader.progress = [await self._read(operation_id)]
            except (CallFailed, NotReadyYet) as failure:
                # Watchers keep what they have: the owner is asked again.
                _log.warning("progress not read", id=operation_id, error=str(failure))
            tick, reader.tick = reader.tick, asyncio.Event()
            tick.set()
            await asyncio.sleep(self._interval_s)


class ImportProgress:
    """Reads the progress of imports with the gateway's own token."""

    def __init__(
        self, services: Mapping[str, ServiceChannel], tokens: ServiceTokens, owner_of: Callable[[str], str | None]
    ) -> None:
        """``owner_of`` returns the service that owns the operation with an id; None if there is none."""
        self._services = services
        self._tokens = tokens
        self._owner_of = owner_of

    async def read(self, operation_id: str) -> BulkProgress | None:
        """Return an import's progress; None if it does not exist."""
        service = self._owner_of(operation_id)
        if service is None:
            return None
        owner = client(Importing, self._services[service], await self._tokens.headers())
        (progress,) = await owner.import_progress([operation_id])
        return progress
