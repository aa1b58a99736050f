"""A TCP proxy with latency, limited bandwidth, cuts and stalls, in a thread of its own."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_CHUNK_SIZE = 65_536


class TcpProxy:
    """Proxy at ``port`` before ``target`` (a port of this machine) from ``start`` to ``stop``.

    Its attributes take effect at once, for open connections, too.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self.latency_s = 0.0
        """Delay of each chunk of data, in each direction."""
        self.bytes_per_s: float | None = None
        """Bandwidth of each connection and direction; None: unlimited."""
        self.carried = 0
        """Number of forwarded bytes, both directions."""
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing = {"up": asyncio.Event(), "down": asyncio.Event()}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"proxy {port}", daemon=True)
        self._listening = threading.Event()
        self._stopped = asyncio.Event()

    def start(self) -> None:
        self._thread.start()
        assert self._listening.wait(10), f"nothing could listen on {self.port}"

    def stop(self) -> None:
        self._call(self._stopped.set)
        self._thread.join(10)
        self._loop.close()

    def cut(self) -> None:
        """Abort every connection, and every new one, until ``heal``."""
        self._call(self._end_connections)

    def stall(self, *directions: str) -> None:
        """Keep connections open and forward nothing (``up`` to the target, ``down`` from it; both if none named).

        Neither end notices, as with a machine that lost its power.
        """

        def now() -> None:
            for direction in directions or ("up", "down"):
                self._flowing[direction].clear()

        self._call(now)

    def heal(self) -> None:
        """Forward all data at full speed again."""

        def now() -> None:
            self._is_cut, self.latency_s, self.bytes_per_s = False, 0.0, None
            for flowing in self._flowing.values():
                flowing.set()

        self._call(now)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def _call(self, change: Callable[[], object]) -> None:
        """Make a change in the proxy's own thread, and wait for it."""
        done = threading.Event()

        def make() -> None:
            change()
            done.set()

        self._loop.call_soon_threadsafe(make)
        assert done.wait(10)

    def _end_connections(self) -> None:
        self._is_cut = True
        for writer in list(self._open):
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        for flowing in self._flowing.values():
            flowing.set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self._listening.set()
        await self._stopped.wait()
        server.close()
        self._end_connections()
        for flowing in self._flowing.values():
            flowing.set()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self._is_cut:
                await self._join(reader, writer)
        finally:
            await _end(writer)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return
        writers = {writer, target_writer}
        self._open |= writers
        for end in writers:
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry("up", reader, target_writer))
                group.create_task(self._carry("down", target_reader, writer))
        except* OSError:
            pass
        finally:
            self._open -= writers
            await _end(target_writer)

    async def _carry(self, direction: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK_SIZE):
            await self._flowing[direction].wait()
            if pause := self.latency_s + (len(chunk) / self.bytes_per_s if self.bytes_per_s else 0.0):
                await asyncio.sleep(pause)
            writer.write(chunk)
            await writer.drain()
            self.carried += len(chunk)
        with contextlib.suppress(OSError):
            writer.write_eof()


async def _end(writer: asyncio.StreamWriter) -> None:
    """Abort a connection, and wait until it is closed."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
