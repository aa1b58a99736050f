"""Latency of a small request of a user, while anonymous callers flood the gateway, within their quota and beyond it.

``python -m tests.benchmarks.flood_latency URL FLOOD`` is the flood: it sends as fast as it can.
"""

import asyncio
import contextlib
import json
import statistics
import sys
import time
from itertools import count
from pathlib import Path

import msgspec
import uvloop
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode

from services.contracts.permission import SubjectKind
from tests.gateway.malformed.gateway_process import GatewayProcess, run_gateway_process
from tests.gateway.malformed.protocol_client import connect_websocket
from tests.gateway.malformed.raw_http import exchange, post
from tests.gateway.stubs.samples import USER
from tests.support.servers import Servers

CONNECTIONS = 8
FLOOD_S = 5.0
BATCH = 200
ROOT = Path(__file__).parents[2]

INIT = '{"type": "connection_init"}'
IDS = {"query": "query ($x: [ID!]!) { nodes(ids: $x) { id } }", "variables": {"x": [*[1] * 90_000, []]}}
BODY = post(json.dumps(IDS).encode(), "X-Forwarded-For: 192.0.2.66")
MESSAGES = {
    "useless messages": '{"type": "ping"}',
    "invalid operations": '{"type": "subscribe", "id": "%", "payload": {"query": "{"}}',
    "operations completed at once": '{"type": "subscribe", "id": "%", "payload": {"query": "{ __typename }"}}\n'
    '{"type": "complete", "id": "%"}',
}
FLOODS = ("invalid variables", *MESSAGES)


class FloodLatency(msgspec.Struct):
    """Seconds of the request: alone, and during the flood."""

    quiet: float
    median: float
    worst: float


async def measure(servers: Servers) -> dict[str, FloodLatency]:
    """Measure each flood, on a gateway of its own with the default quotas."""
    return {flood: await _measure_beside(servers, flood) for flood in FLOODS}


async def _measure_beside(servers: Servers, flood: str) -> FloodLatency:
    async with run_gateway_process(servers, {}) as gateway:
        quiet = statistics.median(await _measure_request(gateway))
        flooder = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.flood_latency", gateway.url, flood), cwd=ROOT
        )
        durations = await _measure_request(gateway)
        flooder.kill()
        await flooder.wait()
    return FloodLatency(quiet, statistics.median(durations), max(durations))


async def _measure_request(gateway: GatewayProcess) -> list[float]:
    token = gateway.services.identity.token(USER, SubjectKind.USER)
    end, durations = time.monotonic() + FLOOD_S, list[float]()
    while time.monotonic() < end:
        began = time.perf_counter()
        await gateway.username(token)
        durations.append(time.perf_counter() - began)
    return durations


async def flood_gateway(url: str, flood: str) -> None:
    """Flood the gateway, on several connections, until the process is killed."""
    numbers = count()
    await asyncio.gather(*(_flood(url, MESSAGES.get(flood), numbers) for _ in range(CONNECTIONS)))


async def _flood(url: str, message: str | None, numbers: "count[int]") -> None:
    while True:
        with contextlib.suppress(OSError, TimeoutError, WebSocketException):
            if message is None:
                await exchange(url, [BODY])
                continue
            async with connect_websocket(url, **{"X-Forwarded-For": "192.0.2.66"}) as connection:
                await connection.send(INIT)
                reading = asyncio.create_task(_read(connection))
                while not reading.done():
                    texts = (message.replace("%", str(next(numbers))) for _ in range(BATCH))
                    lines = (line.encode() for text in texts for line in text.splitlines())
                    connection.transport.write(
                        b"".join(Frame(Opcode.TEXT, line).serialize(mask=True) for line in lines)
                    )
                    while connection.transport.get_write_buffer_size() and not reading.done():
                        await asyncio.sleep(0.001)


async def _read(connection: ClientConnection) -> None:
    with contextlib.suppress(WebSocketException):
        while True:
            await connection.recv()


if __name__ == "__main__":
    uvloop.run(flood_gateway(*sys.argv[1:]))
