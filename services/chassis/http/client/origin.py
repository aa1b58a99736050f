"""The way to one server: its address and connections, and how a request gets its answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterable, Callable, Iterator
from types import TracebackType
from typing import Self

from services.chassis.http.client import request
from services.chassis.http.client.address import ServerAddress
from services.chassis.http.client.connection import HttpConnection
from services.chassis.http.client.download import Download
from services.chassis.http.client.errors import ConnectionLost, PoolExhausted
from services.chassis.http.client.pool import ConnectionPool
from services.chassis.http.client.request import FieldLines, RequestPrefix
from services.chassis.http.client.response import ClientResponse


class Origin:
    """A server at ``url`` (see Address), asked over at most ``connections`` at a time.

    Beyond those, ``waiting`` requests wait, the first come served first; more are refused as Busy. The connection
    that was used last is used next; one that is not used for ``idle_s`` is closed. At most ``streams`` uploads and
    downloads go on at a time, so that slow ones leave connections for all else; more are refused as Busy. An answer
    that is not a download has at most ``largest`` bytes, framing included. Times are seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 100,
        waiting: int = 1000,
        streams: int = 20,
        idle_s: float = 30,
        largest: int = 64_000_000,
    ) -> None:
        self._address = ServerAddress.parse(url)
        self._pool = ConnectionPool(
            self._address, most=connections, most_waiting=waiting, idle_s=idle_s, largest=largest
        )
        self._most_streams = streams
        self._streams = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, method: str, path: str) -> RequestPrefix:
        """The beginning of requests for ``path``; ValueError if it is none."""
        return request.request_prefix(self._address, method, path)

    async def request(
        self,
        start: RequestPrefix,
        fields: FieldLines,
        body: bytes = b"",
        *,
        timeout_s: float,
        again: Callable[[], bool] | None = None,
    ) -> ClientResponse:
        """The answer to a request; a NoAnswer if there is none. When it is cancelled its connection is closed.

        A server may close a connection just when it is used again, and then nobody knows whether the request was
        acted on (RFC 9112, section 9.3.1; it is Lost, ``sent``). One that may be repeated (idempotent, RFC 9110,
        section 9.2.2) says ``again``: where the connection was lost that is asked, and if it holds the request is sent
        once more, and only once, over a connection that is new or has just carried another's answer.
        """
        until = self._loop_time() + timeout_s
        asked = request.with_body(start, fields, body)
        while True:
            try:
                connection = self._pool.take_idle() or await self._pool.connection(until)
                answering = connection.send(asked, until)
                try:
                    return await answering
                except asyncio.CancelledError:
                    connection.abandon(answering)
                    raise
            except ConnectionLost:
                if again is None or self._pool.closed or not again():
                    raise
            # What ended that connection (the server was started anew) has likely ended those that rested beside it.
            self._pool.close_idle()
            again = None

    async def upload(
        self, start: RequestPrefix, fields: FieldLines, pieces: AsyncIterable[bytes], *, pause_s: float
    ) -> ClientResponse:
        """The answer to a request whose body comes in pieces, no faster than the server reads them.

        TimedOut when nothing goes on for ``pause_s``. An answer that comes early ends the sending, also the waiting
        for a piece, and the pieces that are left are not asked for (RFC 9112, section 9.5); so does a lost
        connection. What ``pieces`` raises is raised.
        """
        with self._count_stream():
            connection = await self._pool.connection(self._loop_time() + pause_s)
            answering = connection.send_head(request.chunked_head(start, fields), self._loop_time() + pause_s)
            answering.add_done_callback(_retrieve_exception)
            sending = asyncio.ensure_future(self._send(connection, pieces, pause_s))
            try:
                await asyncio.wait((sending, answering), return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
                return await answering
            except BaseException:
                connection.abandon(answering)
                raise
            finally:
                sending.cancel()
                await asyncio.wait((sending,))

    async def download(self, start: RequestPrefix, fields: FieldLines, *, timeout_s: float, pause_s: float) -> Download:
        """The answer to a request without a body (a GET) once it has begun; it is read as it comes, see Download.

        It begins within ``timeout_s``, else there is a NoAnswer; a lost connection is made up for as ``request`` does
        for what is repeatable. From then on it fails as TimedOut when nothing goes on for ``pause_s``, whether it is
        the server that sends nothing or the reader that takes nothing. Whoever does not read it to its end closes it.
        """
        until = self._loop_time() + timeout_s
        asked = request.with_body(start, fields, b"")
        try:
            return await self._begin_download(asked, until, pause_s)
        except ConnectionLost:
            if self._pool.closed:
                raise
        self._pool.close_idle()
        return await self._begin_download(asked, until, pause_s)

    async def close(self) -> None:
        """Close every connection, also those in use; what waits for an answer is Lost. Returns when all are closed."""
        await self._pool.close()

    def reset(self) -> None:
        """Close every connection, also those in use; what waits for an answer is Lost. It can be asked again."""
        self._pool.reset()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    def _loop_time(self) -> float:
        """The loop's. Each look for the running loop asks the system which process this is."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.time()

    async def _send(self, connection: HttpConnection, pieces: AsyncIterable[bytes], pause_s: float) -> None:
        async for piece in pieces:
            if connection.closed:
                return
            if piece:
                await connection.write(request.chunk(piece), self._loop_time() + pause_s, last=False)
        if not connection.closed:
            await connection.write(request.chunk(b""), self._loop_time() + pause_s, last=True)

    async def _begin_download(self, asked: bytes, until: float, pause_s: float) -> Download:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._count_stream())
            connection = self._pool.take_idle() or await self._pool.connection(until)
            download = connection.send_for_download(asked, until, pause_s)
            try:
                await download.head_received
            except asyncio.CancelledError:
                download.close()
                raise
            counted = stack.pop_all()
            download.ended.add_done_callback(lambda _: counted.close())
            return download

    @contextlib.contextmanager
    def _count_stream(self) -> Iterator[None]:
        """One upload or download more."""
        if self._streams >= self._most_streams:
            raise PoolExhausted(f"{self._streams} uploads and downloads are under way")
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1


def _retrieve_exception(answering: asyncio.Future[ClientResponse]) -> None:
    """That the answer failed does not matter where the pieces failed before."""
    if not answering.cancelled():
        answering.exception()
