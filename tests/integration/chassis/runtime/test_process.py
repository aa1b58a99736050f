"""Life cycle of a process: readiness, and a stop that finishes the present work and accepts no new work."""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from tests.support.polling import until
from tests.support.servers import ROOT


class RunningProcess:
    """A running process and its addresses."""

    def __init__(self, port: int, *modes: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.slow_process", str(port), *modes],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    async def status(self, path: str) -> int:
        """Return the status of a response; 0 without one."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with aiohttp.ClientSession() as session, session.get(self.url + path) as response:
                return response.status
        return 0

    def operators_url(self) -> str:
        """Return the address of the operator's port, from the log."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            entry = json.loads(line)
            if entry["event"] == "started":
                assert entry["metrics_listen"].startswith("127.0.0.1:")
                return f"http://{entry['metrics_listen']}"
        raise AssertionError("it never said")

    async def ended(self, within: float) -> int:
        return await asyncio.to_thread(self.process.wait, within)

    def log(self) -> list[dict[str, object]]:
        assert self.process.stdout is not None
        return [json.loads(line) for line in self.process.stdout.read().splitlines()]


@pytest.fixture
async def start_process() -> AsyncIterator[Callable[..., RunningProcess]]:
    made: list[RunningProcess] = []

    def start(*modes: str) -> RunningProcess:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        made.append(RunningProcess(port, *modes))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.wait()
        assert one.process.stdout is not None
        one.process.stdout.close()


async def test_a_stop_finishes_running_requests_and_accepts_no_new_ones(
    start_process: Callable[..., RunningProcess],
) -> None:
    process = start_process()
    await until(lambda: process.status("/readyz"), lambda status: status == 200)
    answer = asyncio.create_task(process.status("/slow?email=mirja@example.fi"))
    await asyncio.sleep(0.2)
    process.process.send_signal(signal.SIGTERM)
    await until(lambda: process.status("/livez"), lambda status: status == 0)
    assert await answer == 200
    assert await process.ended(60) == 0
    lines = process.log()
    assert [line["event"] for line in lines if line["event"] in ("started", "request completed", "stopped")] == [
        "started",
        "request completed",
        "stopped",
    ]
    assert "mirja" not in json.dumps(lines)
    assert {line["process"] for line in lines} == {"slow"}


async def test_a_failed_readiness_check_makes_it_unready(start_process: Callable[..., RunningProcess]) -> None:
    process = start_process("unready")
    await until(lambda: process.status("/livez"), lambda status: status == 200)
    assert await process.status("/readyz") == 503


async def test_readiness_details_and_metrics_are_on_the_operators_port(
    start_process: Callable[..., RunningProcess],
) -> None:
    process = start_process("unready")
    await until(lambda: process.status("/livez"), lambda status: status == 200)
    operators = process.operators_url()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{process.url}/readyz") as response:
            assert (response.status, await response.text()) == (503, "not ready")
        async with session.get(f"{operators}/readyz") as response:
            assert (response.status, await response.json()) == (503, {"good": True, "bad": False, "running": True})
        async with session.get(f"{process.url}/metrics") as refused, session.get(f"{operators}/metrics") as shown:
            assert (refused.status, shown.status) == (404, 200)
            assert "kierto_operations_shed_total" in await shown.text()
        async with session.get(f"{operators}/slow") as work:
            assert work.status == 404, "other paths are on the public port only"


async def test_a_loop_that_fails_ends_the_process_with_an_error(start_process: Callable[..., RunningProcess]) -> None:
    process = start_process("failing")
    assert await process.ended(60) == 1
    assert "background task exited" in [line["event"] for line in process.log()]


async def test_a_busy_process_accepts_many_connections_an_iteration_of_the_loop(
    start_process: Callable[..., RunningProcess],
) -> None:
    process, many = start_process("busy"), 60
    await until(lambda: process.status("/livez"), lambda status: status == 200)
    began = time.monotonic()
    for _ in range(5):
        await process.status("/livez")
    one_s = (time.monotonic() - began) / 5  # a few iterations, as long as the machine makes them now
    began = time.monotonic()
    assert await asyncio.gather(*(process.status("/livez") for _ in range(many))) == [200] * many
    assert time.monotonic() - began < many * one_s / 6, "one an iteration would take as many iterations"


async def test_a_refused_body_does_not_keep_its_connection(
    start_process: Callable[..., RunningProcess],
) -> None:
    process = start_process()
    await until(lambda: process.status("/livez"), lambda status: status == 200)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(process.url.rpartition(":")[2]))
    writer.write(b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
    answer = await asyncio.wait_for(reader.read(), 60)  # all, to the end of the connection
    writer.close()
    assert answer.startswith(b"HTTP/1.1 405 ")
