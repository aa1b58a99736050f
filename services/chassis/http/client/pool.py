"""Connection pool of one server."""

import asyncio
from collections import deque

from services.chassis.http.client.address import ServerAddress
from services.chassis.http.client.connection import HttpConnection
from services.chassis.http.client.errors import ConnectionLost, PoolExhausted, RequestTimeout


class ConnectionPool:
    """Pool of at most ``max_connections``, with a queue of at most ``max_waiting`` requests in order of arrival.

    The connection that was used last is used next. ``idle_s`` and ``largest`` are those of HttpConnection.
    """

    def __init__(
        self, address: ServerAddress, *, max_connections: int, max_waiting: int, idle_s: float, largest: int
    ) -> None:
        self.open: set[HttpConnection] = set()
        self.idle: list[HttpConnection] = []
        self.waiting: deque[asyncio.Future[HttpConnection]] = deque()
        self.closed = False
        self._resets = 0
        self._address = address
        self._max_connections = max_connections
        self._max_waiting = max_waiting
        self._idle_s = idle_s
        self._largest = largest
        self._all_closed: asyncio.Future[None] | None = None

    def take_idle(self) -> HttpConnection | None:
        """Take the connection that became idle last; None if there is none."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.closed:
                return connection
        return None

    async def connection(self, until: float) -> HttpConnection:
        """Return an idle connection, a new one, or the next one that becomes free."""
        if self.closed:
            raise ConnectionLost("closed", sent=False)
        try:
            async with asyncio.timeout_at(until):
                connection = self.take_idle() or self._new_connection() or await self._wait_for_connection()
                if not connection.established:
                    await self._connect(connection)
        except TimeoutError:
            raise RequestTimeout("no connection in time", sent=False) from None
        return connection

    def close_idle(self) -> None:
        """Close the idle connections."""
        for connection in list(self.idle):
            connection.close()

    async def close(self) -> None:
        """Close all connections; pending requests fail with ConnectionLost. Return when all are closed."""
        self.closed = True
        self.reset()
        if self.open:
            self._all_closed = asyncio.get_running_loop().create_future()
            await self._all_closed

    def reset(self) -> None:
        """Close all connections; pending requests fail with ConnectionLost. New ones can be opened afterwards."""
        self._resets += 1
        for waiter in self.waiting:
            if not waiter.done():
                waiter.set_exception(ConnectionLost("closed", sent=False))
        for connection in list(self.open):
            connection.close()

    def _new_connection(self) -> HttpConnection | None:
        """Return a connection that is not established yet; None if the pool is full."""
        if len(self.open) >= self._max_connections:
            return None
        connection = HttpConnection(self._idle_s, self._largest, self._on_free, self._on_closed)
        self.open.add(connection)
        return connection

    async def _connect(self, connection: HttpConnection) -> None:
        try:
            await self._address.connect(lambda: connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise ConnectionLost(f"no connection: {error}", sent=False) from error
            raise
        if connection.closed:
            raise ConnectionLost("the connection was closed at once", sent=False)
        connection.established = True

    async def _wait_for_connection(self) -> HttpConnection:
        """Return the next connection that becomes free or may be opened, in order of arrival."""
        if len(self.waiting) >= self._max_waiting:
            raise PoolExhausted(f"{len(self.open)} requests are under way and {len(self.waiting)} wait")
        queue, resets = self.waiting.append, self._resets
        while True:
            waiter: asyncio.Future[HttpConnection] = asyncio.get_running_loop().create_future()
            queue(waiter)
            try:
                connection = await waiter
            except asyncio.CancelledError:
                if waiter in self.waiting:
                    self.waiting.remove(waiter)
                if not waiter.cancelled() and waiter.exception() is None:
                    self._pass_on(waiter.result())
                raise
            if not connection.closed:
                return connection
            # The connection was lost before this task ran.
            if self._resets != resets:
                raise ConnectionLost("closed", sent=False)
            replacement = self.take_idle() or self._new_connection()
            if replacement is not None:
                return replacement
            queue = self.waiting.appendleft

    def _pass_on(self, connection: HttpConnection) -> None:
        """Give the connection of a cancelled waiter to the next one."""
        if connection.established and not connection.closed:
            self._on_free(connection)
        else:
            connection.close()

    def _on_free(self, connection: HttpConnection) -> None:
        waiter = self._next_waiter() if self.waiting else None
        if waiter is None:
            self.idle.append(connection)
        else:
            waiter.set_result(connection)

    def _on_closed(self, connection: HttpConnection) -> None:
        self.open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        if self.closed:
            if not self.open and self._all_closed is not None and not self._all_closed.done():
                self._all_closed.set_result(None)
            return
        waiter = self._next_waiter()
        if waiter is not None:
            replacement = self._new_connection()
            assert replacement is not None
            waiter.set_result(replacement)

    def _next_waiter(self) -> asyncio.Future[HttpConnection] | None:
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                return waiter
        return None
