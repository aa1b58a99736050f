"""Client of one server: requests, uploads and downloads over its connection pool."""

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
    """The server at ``url`` (see ServerAddress), called over at most ``connections`` at a time.

    ``waiting`` more requests wait in order of arrival; further ones fail with PoolExhausted. The connection that was
    used last is used next; one that is idle for ``idle_s`` is closed. At most ``streams`` uploads and downloads run at
    a time, so that slow ones leave connections for requests; further ones fail with PoolExhausted. A response that is
    not a download has at most ``largest`` bytes, framing included. Times are in seconds.
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
            self._address, max_connections=connections, max_waiting=waiting, idle_s=idle_s, largest=largest
        )
        self._max_streams = streams
        self._streams = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, method: str, path: str) -> RequestPrefix:
        """Return the first lines of requests for ``path``; raise ValueError if it is none."""
        return request.request_prefix(self._address, method, path)

    async def request(
        self,
        start: RequestPrefix,
        fields: FieldLines,
        body: bytes = b"",
        *,
        timeout_s: float,
        may_retry: Callable[[], bool] | None = None,
    ) -> ClientResponse:
        """Return the response to a request; raise TransportError without one. Cancellation closes the connection.

        A server may close a connection just when it is reused, which leaves open whether it has acted on the request
        (RFC 9112, section 9.3.1; ConnectionLost with ``sent``). An idempotent request (RFC 9110, section 9.2.2) has
        ``may_retry``: if it returns true after a lost connection, the request is sent once more, on a connection that
        is new or has just carried another response.
        """
        until = self._loop_time() + timeout_s
        data = request.with_body(start, fields, body)
        while True:
            try:
                connection = self._pool.take_idle() or await self._pool.connection(until)
                response = connection.send(data, until)
                try:
                    return await response
                except asyncio.CancelledError:
                    connection.abandon(response)
                    raise
            except ConnectionLost:
                if may_retry is None or self._pool.closed or not may_retry():
                    raise
            # The cause (a restart of the server) has probably ended the idle connections, too.
            self._pool.close_idle()
            may_retry = None

    async def upload(
        self, start: RequestPrefix, fields: FieldLines, chunks: AsyncIterable[bytes], *, pause_s: float
    ) -> ClientResponse:
        """Return the response to a request with a streamed body, sent no faster than the server reads it.

        Raise RequestTimeout after a stall of ``pause_s``. An early response (RFC 9112, section 9.5) or a lost
        connection ends the sending, even while it awaits a chunk. Errors of ``chunks`` are raised.
        """
        with self._count_stream():
            connection = await self._pool.connection(self._loop_time() + pause_s)
            response = connection.send_head(request.chunked_head(start, fields), self._loop_time() + pause_s)
            response.add_done_callback(_retrieve_exception)
            sending = asyncio.ensure_future(self._send(connection, chunks, pause_s))
            try:
                await asyncio.wait((sending, response), return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
                return await response
            except BaseException:
                connection.abandon(response)
                raise
            finally:
                sending.cancel()
                await asyncio.wait((sending,))

    async def download(self, start: RequestPrefix, fields: FieldLines, *, timeout_s: float, pause_s: float) -> Download:
        """Return the streamed response to a request without a body (a GET) once its head has arrived.

        The head is due within ``timeout_s``, else a TransportError is raised; a lost connection is retried once, as in
        ``request``. Reading fails with RequestTimeout after a stall of ``pause_s``, of the server or of the reader. A
        reader that stops before the end closes the download.
        """
        until = self._loop_time() + timeout_s
        data = request.with_body(start, fields, b"")
        try:
            return await self._begin_download(data, until, pause_s)
        except ConnectionLost:
            if self._pool.closed:
                raise
        self._pool.close_idle()
        return await self._begin_download(data, until, pause_s)

    async def close(self) -> None:
        """Close all connections; pending requests fail with ConnectionLost. Return when all are closed."""
        await self._pool.close()

    def reset(self) -> None:
        """Close all connections; pending requests fail with ConnectionLost. The origin can be used again."""
        self._pool.reset()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    def _loop_time(self) -> float:
        """Return the loop's time; the loop is cached, since ``get_running_loop`` calls ``getpid`` each time."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.time()

    async def _send(self, connection: HttpConnection, chunks: AsyncIterable[bytes], pause_s: float) -> None:
        async for chunk in chunks:
            if connection.closed:
                return
            if chunk:
                await connection.write(request.chunk(chunk), self._loop_time() + pause_s, last=False)
        if not connection.closed:
            await connection.write(request.chunk(b""), self._loop_time() + pause_s, last=True)

    async def _begin_download(self, data: bytes, until: float, pause_s: float) -> Download:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._count_stream())
            connection = self._pool.take_idle() or await self._pool.connection(until)
            download = connection.send_for_download(data, until, pause_s)
            try:
                await download.head_received
            except asyncio.CancelledError:
                download.close()
                raise
            stream_count = stack.pop_all()
            download.ended.add_done_callback(lambda _: stream_count.close())
            return download

    @contextlib.contextmanager
    def _count_stream(self) -> Iterator[None]:
        """Count an upload or download for the length of a block."""
        if self._streams >= self._max_streams:
            raise PoolExhausted(f"{self._streams} uploads and downloads are under way")
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1


def _retrieve_exception(response: asyncio.Future[ClientResponse]) -> None:
    """Mark a failure as retrieved: it is not awaited if the chunks failed before."""
    if not response.cancelled():
        response.exception()
