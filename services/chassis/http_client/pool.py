"""The connections to one server, and the order in which requests get one."""

import asyncio
from collections import deque

from services.chassis.http_client.address import Address
from services.chassis.http_client.connection import Connection
from services.chassis.http_client.errors import Busy, Lost, TimedOut


class Pool:
    """At most ``most`` connections; beyond those ``most_waiting`` wait, the first come served first.

    The connection that was used last is used next. For the others see Connection.
    """

    def __init__(self, address: Address, *, most: int, most_waiting: int, idle_s: float, largest: int) -> None:
        self.open: set[Connection] = set()
        self.idle: list[Connection] = []
        self.waiting: deque[asyncio.Future[Connection]] = deque()
        self.closed = False
        self._address = address
        self._most = most
        self._most_waiting = most_waiting
        self._idle_s = idle_s
        self._largest = largest
        self._all_over: asyncio.Future[None] | None = None

    def rested(self) -> Connection | None:
        """The connection that became idle last."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.closed:
                return connection
        return None

    async def connection(self, until: float) -> Connection:
        """A connection to use: an idle one, a new one, or the next that becomes free."""
        if self.closed:
            raise Lost("closed", sent=False)
        try:
            async with asyncio.timeout_at(until):
                connection = self.rested() or self._place() or await self._turn()
                if not connection.made:
                    await self._connect(connection)
        except TimeoutError:
            raise TimedOut("no connection in time", sent=False) from None
        return connection

    def close_idle(self) -> None:
        """Close those that carry nothing."""
        for connection in list(self.idle):
            connection.close()

    async def close(self) -> None:
        """Close every connection, also those in use; what waits for an answer is Lost. Returns when all are closed."""
        self.closed = True
        self.drop()
        if self.open:
            self._all_over = asyncio.get_running_loop().create_future()
            await self._all_over

    def drop(self) -> None:
        """Close every connection, also those in use; what waits for an answer is Lost. Others may be opened."""
        for turn in self.waiting:
            if not turn.done():
                turn.set_exception(Lost("closed", sent=False))
        for connection in list(self.open):
            connection.close()

    def _place(self) -> Connection | None:
        """A connection that is not made yet, if there may be one more."""
        if len(self.open) >= self._most:
            return None
        connection = Connection(self._idle_s, self._largest, self._freed, self._gone)
        self.open.add(connection)
        return connection

    async def _connect(self, connection: Connection) -> None:
        try:
            await self._address.connect(lambda: connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise Lost(f"no connection: {error}", sent=False) from error
            raise
        if connection.closed:
            raise Lost("the connection was closed at once", sent=False)
        connection.made = True

    async def _turn(self) -> Connection:
        """The next connection or place that becomes free, when all who waited longer have had theirs."""
        if len(self.waiting) >= self._most_waiting:
            raise Busy(f"{len(self.open)} requests are under way and {len(self.waiting)} wait")
        queue = self.waiting.append
        while True:
            turn: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
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
                raise Lost("closed", sent=False)
            queue = self.waiting.appendleft  # it was lost on the way here

    def _pass_on(self, connection: Connection) -> None:
        """What somebody who is no longer there was given goes to the next in order."""
        if connection.made and not connection.closed:
            self._freed(connection)
        else:
            connection.close()

    def _freed(self, connection: Connection) -> None:
        turn = self._next_turn() if self.waiting else None
        if turn is None:
            self.idle.append(connection)
        else:
            turn.set_result(connection)

    def _gone(self, connection: Connection) -> None:
        self.open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        if self.closed:
            if not self.open and self._all_over is not None and not self._all_over.done():
                self._all_over.set_result(None)
            return
        turn = self._next_turn()
        if turn is not None:
            place = self._place()
            assert place is not None
            turn.set_result(place)

    def _next_turn(self) -> asyncio.Future[Connection] | None:
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                return turn
        return None
