"""Time from the commit of an order to the last of 1,000 sockets, against a bare server that sends the same bytes.

``python -m tests.benchmarks.thousand_subscribers listen URL COUNT`` holds the clients' sockets in a process of its own:
it reads their first messages from its input, and writes a line for each message that has reached them all.
``... serve PORT`` is the bare server: it sends each line of its input to every socket.
"""

import asyncio
import base64
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import msgspec
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from deploy.local.stack import environment_of_running
from services.chassis.db import postgres
from services.chassis.db.notifier import CommitNotifier
from services.chassis.events import outbox
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.ids import new_uuid, write_id
from services.chassis.runtime.clock import SystemClock
from tests.benchmarks.commit_to_socket import order_placed
from tests.support.gateway_client import GatewayClient
from tests.support.partner_process import SUBSCRIBE
from tests.support.servers import free_port_base
from tests.support.stack import RunningStack

SUBSCRIBERS, ROUNDS, WARM_UP = 1000, 30, 5
ROOT = Path(__file__).parents[2]


class Delivery(msgspec.Struct):
    """A message that reached all sockets."""

    last: float
    """Time of the last arrival, by the machine's monotonic clock."""
    text: str


async def measure(stack: RunningStack, username: str, password: str) -> tuple[list[float], list[float]]:
    """Return the seconds to the last socket, round by round: ours from the commit, the bare server's from its input."""
    async with GatewayClient(stack.gateway) as staff:
        await staff.sign_in(username, password)
        authorization = {"Authorization": f"Bearer {staff.token}"}
        first: list[dict[str, object]] = [
            {"type": "connection_init", "payload": authorization},
            {"type": "subscribe", "id": "1", "payload": {"query": SUBSCRIBE, "variables": {"after": None}}},
        ]
        async with start_listener(f"{stack.gateway}/graphql", first) as listener:
            ours, text = await _ours(environment_of_running(stack.home).database_url("orders"), listener)
    return ours, await _bare(text)


async def _ours(database_url: str, listener: asyncio.subprocess.Process) -> tuple[list[float], str]:
    pool = await postgres.open_pool(database_url, name="bench", size=2)
    stop, notifier = asyncio.Event(), CommitNotifier(pool, outbox.WAKE_UP)
    notifying = asyncio.create_task(notifier.run(stop))
    work = PostgresUnitOfWork(pool, SystemClock("Europe/Helsinki"), Transaction, notifier.notify)
    durations: list[float] = []
    text = ""
    for _ in range(ROUNDS + WARM_UP):
        async with work() as tx:
            tx.emit(order_placed(write_id("order", new_uuid())))
        committed = time.monotonic()
        delivery = await _read_delivery(listener)
        durations.append(delivery.last - committed)
        text = delivery.text
    stop.set()
    await notifying
    await pool.close()
    return durations[WARM_UP:], text


async def _bare(text: str) -> list[float]:
    port = free_port_base()
    server = await _run("serve", str(port))
    assert server.stdin and server.stdout
    await server.stdout.readline()
    durations: list[float] = []
    async with start_listener(f"http://127.0.0.1:{port}/", []) as listener:
        for _ in range(ROUNDS + WARM_UP):
            server.stdin.write(text.encode() + b"\n")
            sent_at = time.monotonic()
            durations.append((await _read_delivery(listener)).last - sent_at)
    server.kill()
    await server.wait()
    return durations[WARM_UP:]


@contextlib.asynccontextmanager
async def start_listener(url: str, first: list[dict[str, object]]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the clients' process; yield it once all clients have responses to their first messages."""
    listener = await _run("listen", url, str(SUBSCRIBERS))
    assert listener.stdin and listener.stdout
    listener.stdin.write(json.dumps(first).encode() + b"\n")
    try:
        assert await asyncio.wait_for(listener.stdout.readline(), 60) == b"ready\n", "the clients are there"
        yield listener
    finally:
        listener.kill()
        await listener.wait()


async def _run(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.thousand_subscribers", *arguments),
        cwd=ROOT,
        limit=1_000_000,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


async def _read_delivery(listener: asyncio.subprocess.Process) -> Delivery:
    assert listener.stdout
    return msgspec.json.decode(await asyncio.wait_for(listener.stdout.readline(), 30), type=Delivery)


class Listener(asyncio.Protocol):
    """A client with the least work: it parses frames (RFC 6455) and counts them."""

    def __init__(self, host: str, path: str, first: list[dict[str, object]], arrivals: "ArrivalCounter") -> None:
        self._host, self._path, self._first, self._arrivals = host, path, first, arrivals
        self._unread = b""
        self._number = -1
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if self._number < 0:
            head, found, rest = self._unread.partition(b"\r\n\r\n")
            if not found:
                return
            assert b" 101 " in head, head
            self._unread = rest
            self._handle_text("")
        while (frame := self._frame()) is not None:
            self._handle_text(frame)

    def _frame(self) -> str | None:
        """Return the next text frame; respond to pings."""
        while len(self._unread) >= 2:
            start, length = 2, self._unread[1]
            if length == 126:
                start, length = 4, int.from_bytes(self._unread[2:4], "big")
            if len(self._unread) < start + length:
                return None
            kind, payload = self._unread[0] & 15, self._unread[start : start + length]
            self._unread = self._unread[start + length :]
            if kind == 1:
                return payload.decode()
            assert kind == 9, (kind, payload)
            self._transport.write(bytes([0x8A, 0x80 | length, 0, 0, 0, 0]) + payload)
        return None

    def _handle_text(self, text: str) -> None:
        self._number += 1
        if self._number < len(self._first):
            message = json.dumps(self._first[self._number]).encode()
            head = bytes([0x81, 0x80 | 126]) + len(message).to_bytes(2, "big") + bytes(4)  # a mask of zeros
            self._transport.write(head + message)
        else:
            self._arrivals.count(self._number - len(self._first), text)


class ArrivalCounter:
    """Counter of the arrivals of each message; it writes a line when all sockets have one."""

    def __init__(self, sockets: int) -> None:
        self._sockets = sockets
        self._counts: dict[int, int] = {}

    def count(self, number: int, text: str) -> None:
        self._counts[number] = self._counts.get(number, 0) + 1
        if self._counts[number] == self._sockets:
            line = b"ready" if number == 0 else msgspec.json.encode(Delivery(time.monotonic(), text))
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()


async def listen(url: str, count: int, first: list[dict[str, object]]) -> None:
    """Hold ``count`` sockets open; each sends the messages of ``first``, one after each response."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    arrivals = ArrivalCounter(count)
    loop = asyncio.get_running_loop()
    for _ in range(count):
        await loop.create_connection(lambda: Listener(host, f"/{path}", first, arrivals), name, int(port))
    await asyncio.Event().wait()


async def serve(port: int) -> None:
    """Run the bare server, with uvicorn and Starlette, which sends its input to every socket."""
    sockets: set[WebSocket] = set()

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept("graphql-transport-ws")
        sockets.add(socket)
        with contextlib.suppress(WebSocketDisconnect):
            await socket.receive_text()

    app = Starlette(routes=[WebSocketRoute("/", endpoint)])
    config = uvicorn.Config(
        app, port=port, log_config=None, lifespan="off", ws="websockets-sansio", ws_per_message_deflate=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        for socket in sockets:
            await socket.send_text(line.rstrip("\n"))
    await serving


def format_times(durations: list[float]) -> str:
    """Format the median and the worst, in milliseconds."""
    return f"{statistics.median(durations) * 1000:.0f} ms (worst {max(durations) * 1000:.0f})"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["listen", to, how_many]:
            uvloop.run(listen(to, int(how_many), json.loads(sys.stdin.readline())))
        case ["serve", at]:
            uvloop.run(serve(int(at)))
