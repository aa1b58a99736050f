"""The way to one server: its address, its connections, and the order in which requests get one."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Callable
from types import TracebackType
from typing import Self

from services.chassis.http_client import request
from services.chassis.http_client.address import Address
from services.chassis.http_client.answer import Answer
from services.chassis.http_client.connection import Connection
from services.chassis.http_client.errors import Busy, Lost, TimedOut
from services.chassis.http_client.request import Fields, Start


class Origin:
    """A server at ``url`` (see Address), asked over at most ``connections`` at a time.

    Beyond those, ``waiting`` requests wait, the first come served first; more are refused as Busy. The connection
    that was used last is used next; one that is not used for ``idle_s`` is closed. An answer has at most ``largest``
    bytes, framing included. Times are seconds.
    """

    def __init__(
        self, url: str, *, connections: int = 100, waiting: int = 1000, idle_s: float = 30, largest: int = 64_000_000
    ) -> None:
        self._address = Address.parse(url)
        self._most = connections
        self._most_waiting = waiting
        self._idle_s = idle_s
        self._largest = largest
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection]] = deque()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._all_over: asyncio.Future[None] | None = None

    def start(self, method: str, path: str) -> Start:
        """The beginning of requests for ``path``; ValueError if it is none."""
        return request.start(self._address, method, path)

    async def request(
        self,
        start: Start,
        fields: Fields,
        body: bytes = b"",
        *,
        timeout_s: float,
        again: Callable[[], bool] | None = None,
    ) -> Answer:
        """The answer to a request; a NoAnswer if there is none. When it is cancelled its connection is closed.

        A server may close a connection just when it is used again, and then nobody knows whether the request was
        acted on (RFC 9112, section 9.3.1; it is Lost, ``sent``). One that may be repeated (idempotent, RFC 9110,
        section 9.2.2) says ``again``: where the connection was lost that is asked, and if it holds the request is sent
        once more, and only once, over a connection that is new or has just carried another's answer.
        """
        until = self._time() + timeout_s
        asked = request.whole(start, fields, body)
        try:
            return await self._ask(asked, until)
        except Lost:
            if again is None or self._closed or not again():
                raise
        # What ended that connection (the server was started anew) has likely ended those that rested beside it.
        for idle in list(self._idle):
            idle.close()
        return await self._ask(asked, until)

    async def upload(self, start: Start, fields: Fields, pieces: AsyncIterable[bytes], *, pause_s: float) -> Answer:
        """The answer to a request whose body comes in pieces, no faster than the server reads them.

        TimedOut when nothing goes on for ``pause_s``. An answer that comes early ends the sending, and the pieces
        that are left are not asked for (RFC 9112, section 9.5). What ``pieces`` raises is raised.
        """
        loop = asyncio.get_running_loop()
        connection = await self._connection(loop.time() + pause_s)
        answering = connection.send_begun(request.streamed(start, fields), loop.time() + pause_s)
        answering.add_done_callback(_looked_at)
        try:
            async for piece in pieces:
                if answering.done():
                    break
                if piece:
                    await connection.write(request.chunk(piece), loop.time() + pause_s, last=False)
            if not answering.done():
                await connection.write(request.chunk(b""), loop.time() + pause_s, last=True)
            return await answering
        except BaseException:
            connection.give_up(answering)
            raise

    async def close(self) -> None:
        """Close every connection, also those in use; what waits for an answer is Lost. Returns when all are closed."""
        self._closed = True
        self.drop()
        if self._open:
            self._all_over = asyncio.get_running_loop().create_future()
            await self._all_over

    def drop(self) -> None:
        """Close every connection, also those in use; what waits for an answer is Lost. It can be asked again."""
        for turn in self._waiting:
            if not turn.done():
                turn.set_exception(Lost("closed", sent=False))
        for connection in list(self._open):
            connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    def _time(self) -> float:
        """The loop's. Each look for the running loop asks the system which process this is."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.time()

    async def _ask(self, asked: bytes, until: float) -> Answer:
        connection = self._rested() or await self._connection(until)
        answering = connection.send(asked, until)
        try:
            return await answering
        except asyncio.CancelledError:
            connection.give_up(answering)
            raise

    def _rested(self) -> Connection | None:
        """The connection that became idle last."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        return None

    async def _connection(self, until: float) -> Connection:
        """A connection to use: an idle one, a new one, or the next that becomes free."""
        if self._closed:
            raise Lost("closed", sent=False)
        try:
            async with asyncio.timeout_at(until):
                connection = self._rested() or self._place() or await self._turn()
                if not connection.made:
                    await self._connect(connection)
        except TimeoutError:
            raise TimedOut("no connection in time", sent=False) from None
        return connection

    def _place(self) -> Connection | None:
        """A connection that is not made yet, if there may be one more."""
        if len(self._open) >= self._most:
            return None
        connection = Connection(self._idle_s, self._largest, self._freed, self._gone)
        self._open.add(connection)
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
        if len(self._waiting) >= self._most_waiting:
            raise Busy(f"{len(self._open)} requests are under way and {len(self._waiting)} wait")
        queue = self._waiting.append
        while True:
            turn: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
            queue(turn)
            try:
                connection = await turn
            except asyncio.CancelledError:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                if not turn.cancelled() and turn.exception() is None:
                    self._pass_on(turn.result())
                raise
            if not connection.closed:
                return connection
            if self._closed:
                raise Lost("closed", sent=False)
            queue = self._waiting.appendleft  # it was lost on the way here

    def _pass_on(self, connection: Connection) -> None:
        """What somebody who is no longer there was given goes to the next in order."""
        if connection.made and not connection.closed:
            self._freed(connection)
        else:
            connection.close()

    def _freed(self, connection: Connection) -> None:
        turn = self._next_turn()
        if turn is None:
            self._idle.append(connection)
        else:
            turn.set_result(connection)

    def _gone(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._closed:
            if not self._open and self._all_over is not None and not self._all_over.done():
                self._all_over.set_result(None)
            return
        turn = self._next_turn()
        if turn is not None:
            place = self._place()
            assert place is not None
            turn.set_result(place)

    def _next_turn(self) -> asyncio.Future[Connection] | None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                return turn
        return None


def _looked_at(answering: asyncio.Future[Answer]) -> None:
    """While pieces are sent nobody awaits the answer; that it failed is found out later, or does not matter."""
    if not answering.cancelled():
        answering.exception()
