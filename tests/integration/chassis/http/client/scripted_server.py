"""A scripted server: its first connection plays the first act, and so on."""

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import field_lines
from services.chassis.http.client.response import ClientResponse

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """Read the next request: its head, and its body (chunked ones as they are on the wire)."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        if b"transfer-encoding: chunked" in head.lower():
            return head + await self.reader.readuntil(b"0\r\n\r\n")
        length = _LENGTH.search(head)
        assert length is not None
        return head + await self.reader.readexactly(int(length.group(1)))

    async def send(self, data: bytes) -> None:
        if self.writer.transport.is_closing():
            raise ConnectionResetError  # where asyncio is silent for a while, and uvloop raises something else
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, data: bytes = OK) -> bytes:
        """Read a request and respond."""
        received = await self.request()
        await self.send(data)
        return received

    async def gone(self) -> None:
        """Wait until the client closes the connection without further bytes."""
        assert await self.read_all() == b""

    async def read_all(self) -> bytes:
        """Read until the client closes the connection."""
        came = bytearray()
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(1_000_000):
                came += data
        return bytes(came)

    def end(self) -> None:
        """Shut the sending direction down."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Reset the connection."""
        endless = self.writer.get_extra_info("socket")
        endless.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Act = Callable[[Peer], Awaitable[object]]


class ScriptedServer:
    """The running server. ``opened`` counts connections; ``open`` those that are open now, ``most`` at a time."""

    def __init__(self, acts: tuple[Act, ...]) -> None:
        self.url = ""
        self.opened = 0
        self.open = 0
        self.most = 0
        self.playing: list[asyncio.Task[object]] = []
        self._acts = acts

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        act = self._acts[min(self.opened, len(self._acts) - 1)]
        self.opened += 1
        self.open += 1
        self.most = max(self.most, self.open)
        playing: asyncio.Task[object] = asyncio.ensure_future(self._play(act, Peer(reader, writer)))
        self.playing.append(playing)
        await asyncio.wait([playing])
        self.open -= 1
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _play(self, act: Act, peer: Peer) -> object:
        try:
            return await act(peer)
        except asyncio.IncompleteReadError as ended:
            # A client may go before it asks; in the middle of a request only if the act expects it.
            if ended.partial:
                raise
            return None


@contextlib.asynccontextmanager
async def run_script(*acts: Act, path: Path | None = None) -> AsyncIterator[ScriptedServer]:
    """Run a server that plays ``acts``, repeating the last one; every act must end without an error."""
    made = ScriptedServer(acts)
    if path is None:
        server = await asyncio.start_server(made.connected, "127.0.0.1", 0)
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    else:
        server = await asyncio.start_unix_server(made.connected, path)
        made.url = f"http+unix://{path}"
    try:
        yield made
        async with asyncio.timeout(60):
            await asyncio.gather(*made.playing)
    finally:
        server.close()
        for task in made.playing:
            task.cancel()
        await asyncio.gather(*made.playing, return_exceptions=True)
        await server.wait_closed()


async def send_request(
    origin: Origin, body: bytes = b"", *, timeout_s: float = 5, repeatable: bool = False
) -> ClientResponse:
    """Send a small request and return its response."""
    start = origin.start("POST", "/asked")
    return await origin.request(start, field_lines({}), body, timeout_s=timeout_s, may_retry=lambda: repeatable)


def start_request(origin: Origin, body: bytes = b"", *, timeout_s: float = 5) -> asyncio.Task[ClientResponse]:
    """Start a small request as a task."""
    return asyncio.ensure_future(send_request(origin, body, timeout_s=timeout_s))


async def echo_bodies(peer: Peer) -> None:
    """Respond to every request with its own body until the client closes."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            body = (await peer.request()).partition(b"\r\n\r\n")[2]
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
