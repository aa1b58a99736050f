"""The example clients against the demonstration: a query, a refusal, and events across lost connections."""

import asyncio
import contextlib
import datetime as dt
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.extra_pickups import find_offers, order
from tests.support.gateway_client import GatewayClient
from tests.support.stack import RunningStack
from tests.support.tcp_proxy import TcpProxy
from tests.support.typed_clients import make_python_client, make_typescript_client

TIMEOUT_S = 60

Command = Sequence[str | Path]


class Journey:
    """A running client: it writes a line for whatever happens."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.placed: list[str] = []
        """The orders whose placing it has handled."""

    async def next_line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        text = await asyncio.wait_for(self._process.stdout.readline(), TIMEOUT_S)
        assert text, f"the client has ended: {await self._process.wait()}"
        line: dict[str, Any] = json.loads(text)
        if line.get("event") == "OrderPlacedEvent":
            self.placed.append(line["order"])
        return line

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT_S):  # checkpoints come for ever
            while not holds(line := await self.next_line()):
                pass
        return line

    async def until_placed(self, order: str) -> None:
        """Wait until an order's placing is handled, and its cursor saved."""
        await self.until(lambda line: line.get("order") == order)
        assert "cursor" in await self.next_line()


@contextlib.asynccontextmanager
async def running(command: Command, folder: Path, *arguments: str) -> AsyncIterator[Journey]:
    """Run a client for the length of a block."""
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, cwd=folder, env={"PYTHONPATH": "."}, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Journey(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.communicate()


@pytest.fixture(params=["typescript", "python"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Command]:
    """The folder of a client, and the command that starts its journey."""
    if request.param == "typescript":
        folder, node = make_typescript_client(tmp_path)
        return folder, [node, "src/journey.ts"]
    folder, programs = make_python_client(tmp_path)
    return folder, [programs / "python", "journey.py"]


@pytest.fixture
def proxy(demonstration: RunningStack) -> Iterator[TcpProxy]:
    """A proxy before the gateway."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TcpProxy(port, int(demonstration.gateway.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.fixture
async def manager(demonstration: RunningStack) -> AsyncIterator[GatewayClient]:
    async with GatewayClient(demonstration.gateway) as manager:
        await manager.sign_in(*demonstration.sign_in_of("property manager"))
        yield manager


async def test_a_client_follows_events_across_lost_connections_and_restarts(
    client: tuple[Path, Command], demonstration: RunningStack, proxy: TcpProxy, manager: GatewayClient
) -> None:
    folder, command = client
    offers = await find_offers(manager)
    agreement, day = next(offers)
    arguments = (f"http://127.0.0.1:{proxy.port}/graphql", *demonstration.sign_in_of("property manager"), agreement)
    async with running(command, folder, *arguments, day, "cursor") as journey:
        assert all(": " in line for line in (await journey.next_line())["orders"])
        assert (await journey.next_line())["ordered"]
        assert "cursor" in await journey.next_line(), "a checkpoint"
        orders = [await order(manager, offers)]
        await journey.until_placed(orders[0])
        proxy.cut()
        orders += [await order(manager, offers), await order(manager, offers)]
        await journey.until(lambda line: "lost" in line)
        proxy.heal()
        await journey.until_placed(orders[-1])
        orders.append(await order(manager, offers))
        await journey.until_placed(orders[-1])
        assert journey.placed[-len(orders) :] == orders
        # The client's own order may be published after it subscribed.
        assert len(set(journey.placed)) == len(journey.placed) <= len(orders) + 1
    missed = await order(manager, offers)
    yesterday = str(dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1))
    async with running(command, folder, *arguments, yesterday, "cursor") as journey:
        refused = (await journey.until(lambda line: "refused" in line))["refused"]
        assert list(refused) == ["input.date"]
        assert refused["input.date"].endswith("."), "a sentence"
        await journey.until_placed(missed)
        assert journey.placed == [missed]


async def test_a_wrong_password_is_refused(client: tuple[Path, Command], demonstration: RunningStack) -> None:
    folder, command = client
    arguments = (f"{demonstration.gateway}/graphql", "nobody@example.fi", "wrong", "agreement", "2026-01-01", "cursor")
    async with running(command, folder, *arguments) as journey:
        assert list((await journey.next_line())["refused"]) == [""]
