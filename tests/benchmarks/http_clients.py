"""CPU cost of a small request for its caller: our client and aiohttp, by turns, against a bare server."""

import asyncio
import contextlib
import multiprocessing
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.connection import Connection

import aiohttp
import msgspec
import uvloop

from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import field_lines

ROUNDS = 7
REQUESTS = 4_000
CONCURRENCY = 32

BODY = b'{"ids":["site_01h455vb4pex5vsknk084sn02q"]}'
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer " + "x" * 400, "Accept-Language": "fi"}
RESPONSE = b'HTTP/1.1 200 OK\r\ncontent-length: 27\r\ncontent-type: application/json\r\n\r\n[{"id":"site_01h455vb4pe"}]'

SendRequest = Callable[[], Awaitable[bytes]]


class RequestCost(msgspec.Struct, frozen=True):
    """CPU seconds of one request, the median of all rounds; ``ratio`` is the median of the rounds' own ratios."""

    ours: float
    aiohttp: float
    ratio: float


def measure() -> RequestCost:
    """Measure the cost of both, by turns in each round."""
    receiver, sender = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(sender,), daemon=True)
    server.start()
    try:
        return uvloop.run(_measure(f"http://127.0.0.1:{receiver.recv()}"))
    finally:
        server.terminate()
        server.join()


async def _measure(url: str) -> RequestCost:
    async with _ours(url) as ours, _aiohttp(url) as theirs:
        await _cost(ours), await _cost(theirs)  # connections are open, caches are warm
        rounds = [(await _cost(ours), await _cost(theirs)) for _ in range(ROUNDS)]
    return RequestCost(
        statistics.median(our for our, _ in rounds),
        statistics.median(their for _, their in rounds),
        statistics.median(our / their for our, their in rounds),
    )


async def _cost(send: SendRequest) -> float:
    async def send_many() -> None:
        for _ in range(REQUESTS // CONCURRENCY):
            assert len(await send()) == 27

    began = time.process_time()
    await asyncio.gather(*(send_many() for _ in range(CONCURRENCY)))
    return (time.process_time() - began) / REQUESTS


@contextlib.asynccontextmanager
async def _ours(url: str) -> AsyncIterator[SendRequest]:
    async with Origin(url) as origin:
        start, lines = origin.start("POST", "/rpc/sites"), field_lines(HEADERS)

        async def send() -> bytes:
            return (await origin.request(start, lines, BODY, timeout_s=10)).body

        yield send


@contextlib.asynccontextmanager
async def _aiohttp(url: str) -> AsyncIterator[SendRequest]:
    connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=30)
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def send() -> bytes:
            async with session.post(f"{url}/rpc/sites", data=BODY, headers=HEADERS) as response:
                return await response.read()

        yield send


class _Server(asyncio.Protocol):
    """Server that responds to each request without parsing it: requests are small and arrive whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert data.endswith(b"}")
        self._transport.write(RESPONSE)  # type: ignore[attr-defined]


def serve(ready: Connection) -> None:
    """Run the server's process; send its port to the parent."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


if __name__ == "__main__":
    cost = measure()
    print(f"ours {cost.ours * 1e6:.1f} µs, aiohttp {cost.aiohttp * 1e6:.1f} µs, ratio {cost.ratio:.3f}")
