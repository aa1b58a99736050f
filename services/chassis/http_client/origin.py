"""The way to one server: its address and connections, and how a request gets its answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterable, Callable, Iterator
from types import TracebackType
from typing import Self

from services.chassis.http_client import request
from services.chassis.http_client.address import Address
from services.chassis.http_client.answer import Answer
from services.chassis.http_client.connection import Connection
from services.chassis.http_client.download import Download
from services.chassis.http_client.errors import Busy, Lost
from services.chassis.http_client.pool import Pool
from services.chassis.http_client.request import Fields, Start


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
        self._address = Address.parse(url)
        self._pool = Pool(self._address, most=connections, most_waiting=waiting, idle_s=idle_s, largest=largest)
        self._most_streams = streams
        self._streams = 0
        self._loop: asyncio.AbstractEventLoop | None = None

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
        while True:
            try:
                connection = self._pool.rested() or await self._pool.connection(until)
                answering = connection.send(asked, until)
                try:
                    return await answering
                except asyncio.CancelledError:
                    connection.give_up(answering)
                    raise
            except Lost:
                if again is None or self._pool.closed or not again():
                    raise
            # What ended that connection (the server was started anew) has likely ended those that rested beside it.
            self._pool.close_idle()
            again = None

    async def upload(self, start: Start, fields: Fields, pieces: AsyncIterable[bytes], *, pause_s: float) -> Answer:
        """The answer to a request whose body comes in pieces, no faster than the server reads them.

        TimedOut when nothing goes on for ``pause_s``. An answer that comes early ends the sending, also the waiting
        for a piece, and the pieces that are left are not asked for (RFC 9112, section 9.5); so does a lost
        connection. What ``pieces`` raises is raised.
        """
        with self._stream():
            connection = await self._pool.connection(self._time() + pause_s)
            answering = connection.send_begun(request.streamed(start, fields), self._time() + pause_s)
            answering.add_done_callback(_looked_at)
            sending = asyncio.ensure_future(self._send(connection, pieces, pause_s))
            try:
                await asyncio.wait((sending, answering), return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
                return await answering
            except BaseException:
                connection.give_up(answering)
                raise
            finally:
                sending.cancel()
                await asyncio.wait((sending,))

    async def download(self, start: Start, fields: Fields, *, timeout_s: float, pause_s: float) -> Download:
        """The answer to a request without a body (a GET) once it has begun; it is read as it comes, see Download.

        It begins within ``timeout_s``, else there is a NoAnswer; a lost connection is made up for as ``request`` does
        for what is repeatable. From then on it fails as TimedOut when nothing goes on for ``pause_s``, whether it is
        the server that sends nothing or the reader that takes nothing. Whoever does not read it to its end closes it.
        """
        until = self._time() + timeout_s
        asked = request.whole(start, fields, b"")
        try:
            return await self._begin(asked, until, pause_s)
        except Lost:
            if self._pool.closed:
                raise
        self._pool.close_idle()
        return await self._begin(asked, until, pause_s)

    async def close(self) -> None:
        """Close every connection, also those in use; what waits for an answer is Lost. Returns when all are closed."""
        await self._pool.close()

    def drop(self) -> None:
        """Close every connection, also those in use; what waits for an answer is Lost. It can be asked again."""
        self._pool.drop()

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

    async def _send(self, connection: Connection, pieces: AsyncIterable[bytes], pause_s: float) -> None:
        async for piece in pieces:
            if connection.closed:
                return
            if piece:
                await connection.write(request.chunk(piece), self._time() + pause_s, last=False)
        if not connection.closed:
            await connection.write(request.chunk(b""), self._time() + pause_s, last=True)

    async def _begin(self, asked: bytes, until: float, pause_s: float) -> Download:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._stream())
            connection = self._pool.rested() or await self._pool.connection(until)
            download = connection.send_for_pieces(asked, until, pause_s)
            try:
                await download.begun
            except asyncio.CancelledError:
                download.close()
                raise
            counted = stack.pop_all()
            download.over.add_done_callback(lambda _: counted.close())
            return download

    @contextlib.contextmanager
    def _stream(self) -> Iterator[None]:
        """One upload or download more."""
        if self._streams >= self._most_streams:
            raise Busy(f"{self._streams} uploads and downloads are under way")
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1


def _looked_at(answering: asyncio.Future[Answer]) -> None:
    """That the answer failed does not matter where the pieces failed before."""
    if not answering.cancelled():
        answering.exception()
