"""A small request of somebody who signed in, while strangers flood the gateway until their quota is spent and after.

``python -m tests.benchmarks.flood_latency URL FLOOD`` is the strangers: they send as fast as they are let.
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

from services.contracts.identity import SubjectKind
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
    "messages of no use": '{"type": "ping"}',
    "operations that are not valid": '{"type": "subscribe", "id": "%", "payload": {"query": "{"}}',
    "operations ended at once": '{"type": "subscribe", "id": "%", "payload": {"query": "{ __typename }"}}\n'
    '{"type": "complete", "id": "%"}',
}
FLOODS = ("variables that are not valid", *MESSAGES)


class FloodLatency(msgspec.Struct):
    """Seconds that the request took: alone, and beside the flood."""

    quiet: float
    median: float
    worst: float


async def measure(servers: Servers) -> dict[str, FloodLatency]:
    """What each flood does, on a gateway of its own with the quotas that everybody has."""
    return {flood: await _measure_beside(servers, flood) for flood in FLOODS}


async def _measure_beside(servers: Servers, flood: str) -> FloodLatency:
    async with run_gateway_process(servers, {}) as gateway:
        quiet = statistics.median(await _measure_request(gateway))
        strangers = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.flood_latency", gateway.url, flood), cwd=ROOT
        )
        took = await _measure_request(gateway)
        strangers.kill()
        await strangers.wait()
    return FloodLatency(quiet, statistics.median(took), max(took))


async def _measure_request(gateway: GatewayProcess) -> list[float]:
    token = gateway.services.identity.token(USER, SubjectKind.USER)
    end, took = time.monotonic() + FLOOD_S, list[float]()
    while time.monotonic() < end:
        began = time.perf_counter()
        await gateway.username(token)
        took.append(time.perf_counter() - began)
    return took


async def flood_from_strangers(url: str, flood: str) -> None:
    """Flood, on so many connections, until the process is killed."""
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
                    connection.transport.write(b"".join(Frame(Opcode.TEXT, one).serialize(mask=True) for one in lines))
                    while connection.transport.get_write_buffer_size() and not reading.done():
                        await asyncio.sleep(0.001)


async def _read(connection: ClientConnection) -> None:
    with contextlib.suppress(WebSocketException):
        while True:
            await connection.recv()


if __name__ == "__main__":
    uvloop.run(flood_from_strangers(*sys.argv[1:]))
