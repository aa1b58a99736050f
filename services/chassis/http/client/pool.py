"""The connections to one server, and the order in which requests get one."""

import asyncio
from collections import deque

from services.chassis.http.client.address import ServerAddress
from services.chassis.http.client.connection import HttpConnection
from services.chassis.http.client.errors import ConnectionLost, PoolExhausted, RequestTimeout


class ConnectionPool:
    """At most ``most`` connections; beyond those ``most_waiting`` wait, the first come served first.

    The connection that was used last is used next. For the others see Connection.
    """

    def __init__(self, address: ServerAddress, *, most: int, most_waiting: int, idle_s: float, largest: int) -> None:
        self.open: set[HttpConnection] = set()
        self.idle: list[HttpConnection] = []
        self.waiting: deque[asyncio.Future[HttpConnection]] = deque()
        self.closed = False
        self._address = address
        self._max_connections = most
        self._max_waiting = most_waiting
        self._idle_s = idle_s
        self._largest = largest
        self._all_closed: asyncio.Future[None] | None = None

    def take_idle(self) -> HttpConnection | None:
        """The connection that became idle last."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.closed:
                return connection
        return None

    async def connection(self, until: float) -> HttpConnection:
        """A connection to use: an idle one, a new one, or the next that becomes free."""
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
        """Close those that carry nothing."""
        for connection in list(self.idle):
            connection.close()

    async def close(self) -> None:
        """Close every connection, also those in use; what waits for an answer is Lost. Returns when all are closed."""
        self.closed = True
        self.reset()
        if self.open:
            self._all_closed = asyncio.get_running_loop().create_future()
            await self._all_closed

    def reset(self) -> None:
        """Close every connection, also those in use; what waits for an answer is Lost. Others may be opened."""
        for turn in self.waiting:
            if not turn.done():
                turn.set_exception(ConnectionLost("closed", sent=False))
        for connection in list(self.open):
            connection.close()

    def _new_connection(self) -> HttpConnection | None:
        """A connection that is not made yet, if there may be one more."""
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
        """The next connection or place that becomes free, when all who waited longer have had theirs."""
        if len(self.waiting) >= self._max_waiting:
            raise PoolExhausted(f"{len(self.open)} requests are under way and {len(self.waiting)} wait")
        queue = self.waiting.append
        while True:
            turn: asyncio.Future[HttpConnection] = asyncio.get_running_loop().create_future()
            queue(turn)
            try:
                connection = await turn
            except asyncio.CancelledError:
                if turn in self.waiting:
                    self.waiting.remove(turn)
                if not turn.cancelled() and turn.exception() is None:
                    self._pass_on(turn.result())
                raise
            if not connection.closed:
                return connection
            if self.closed:
                raise ConnectionLost("closed", sent=False)
            queue = self.waiting.appendleft  # it was lost on the way here

    def _pass_on(self, connection: HttpConnection) -> None:
        """What somebody who is no longer there was given goes to the next in order."""
        if connection.established and not connection.closed:
            self._on_free(connection)
        else:
            connection.close()

    def _on_free(self, connection: HttpConnection) -> None:
        turn = self._next_waiter() if self.waiting else None
        if turn is None:
            self.idle.append(connection)
        else:
            turn.set_result(connection)

    def _on_closed(self, connection: HttpConnection) -> None:
        self.open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        if self.closed:
            if not self.open and self._all_closed is not None and not self._all_closed.done():
                self._all_closed.set_result(None)
            return
        turn = self._next_waiter()
        if turn is not None:
            place = self._new_connection()
            assert place is not None
            turn.set_result(place)

    def _next_waiter(self) -> asyncio.Future[HttpConnection] | None:
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                return turn
        return None
