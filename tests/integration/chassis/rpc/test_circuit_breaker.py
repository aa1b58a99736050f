"""Circuit breaking: an unresponsive service is not called, and is called again soon after it recovers."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.chassis.http.client.errors import ConnectionLost, TransportError
from services.chassis.http.client.origin import Origin
from services.chassis.rpc.channel import CallFailed, ServiceChannel, caller_field_lines
from services.chassis.rpc.circuit_breaker import FAILURE_THRESHOLD, PROBE_INTERVAL_S
from services.chassis.rpc.client import client
from services.chassis.runtime import deadline
from tests.integration.chassis.http.client.scripted_server import Peer, run_script
from tests.integration.chassis.rpc.echo_service import EchoContract, Said, run_echo, silent_server
from tests.support.polling import until

REFUSED = [(503, "UNAVAILABLE")]


class SwitchableServer:
    """A server with the status that the test sets; None accepts requests without a response."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.ready_status: int | None = None
        self.asked: list[bytes] = []

    async def play(self, peer: Peer) -> None:
        while True:
            head = await peer.reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1]
            if b"\r\nTransfer-Encoding: chunked\r\n" in head:
                await peer.reader.readuntil(b"0\r\n\r\n")
            else:
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await peer.reader.readexactly(int(length))
            self.asked.append(path)
            status = self.ready_status if path == b"/readyz" else self.status
            if status is None:
                await peer.read_all()
                return
            body = msgspec.json.encode(Said(word="a", to="", trace=None))
            await peer.send(b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


async def outcomes(*calls: Any) -> list[tuple[int, str]]:
    """Make calls concurrently and return each status and code; (200, "") for a result."""
    done = await asyncio.gather(*calls, return_exceptions=True)
    return [(one.status, one.code) if isinstance(one, CallFailed) else (200, "") for one in done]


_callers = itertools.count()


def say(service: ServiceChannel) -> Any:
    """Call a read; each has another caller."""
    return client(EchoContract, service, {"Authorization": str(next(_callers))}).say("a")


def breaker_metric() -> float | None:
    return REGISTRY.get_sample_value("kierto_circuit_breaker_open", {"service": "scene"})


async def file() -> AsyncIterator[bytes]:
    """Yield a file of few bytes."""
    yield b"a,b\n"


def upload(service: ServiceChannel) -> Awaitable[object]:
    return service.upload("/file", file(), caller_field_lines({}), pause_s=0.05)


def download(service: ServiceChannel) -> Awaitable[object]:
    return service.download("/file", caller_field_lines({}), pause_s=0.05)


@pytest.mark.parametrize("pass_on", [upload, download])
async def test_streams_count_and_are_refused_as_calls_are(
    pass_on: Callable[[ServiceChannel], Awaitable[object]],
) -> None:
    scene = SwitchableServer()
    async with run_script(scene.play) as server, Origin(server.url) as origin:
        service = ServiceChannel("scene", origin, read_s=0.05)
        for _ in range(FAILURE_THRESHOLD):
            with pytest.raises(TransportError):
                await pass_on(service)
        assert breaker_metric() == 1
        scene.ready_status = 503
        asked = len(scene.asked)
        with pytest.raises(ConnectionLost, match="circuit breaker is open"):
            await pass_on(service)
        assert scene.asked[asked:] in ([], [b"/readyz"])
        assert await outcomes(say(service)) == REFUSED
        scene.ready_status = scene.status = 200
        await until(lambda: outcomes(say(service)), lambda seen: seen == [(200, "")])
        scene.status = None
        for _ in range(FAILURE_THRESHOLD - 1):
            with pytest.raises(TransportError):
                await pass_on(service)
        scene.status = 200
        await pass_on(service)
        assert breaker_metric() == 0, "a success resets the count of failures"


async def test_waiting_calls_fail_at_once_when_the_breaker_opens() -> None:
    """Requests with a connection and requests that wait for one; further ones are rejected."""
    scene = SwitchableServer()
    async with run_script(scene.play) as server, Origin(server.url, connections=8) as origin:
        service, began = ServiceChannel("scene", origin, read_s=0.2, write_s=30), time.monotonic()
        reads, writes = await asyncio.gather(
            outcomes(*(say(service) for _ in range(FAILURE_THRESHOLD))),
            outcomes(*(client(EchoContract, service, {}).note("a") for _ in range(20))),
        )
        assert (reads, writes) == ([(504, "TIMED_OUT")] * FAILURE_THRESHOLD, REFUSED * 20)
        assert time.monotonic() - began < 20  # not the 30 that a change may take
        assert breaker_metric() == 1
        await until(lambda: asyncio.sleep(0, server.open), lambda still_open: still_open == 0)
        opened, began = server.opened, time.monotonic()
        assert await outcomes(*(say(service) for _ in range(1000))) == REFUSED * 1000
        looks = 1 + (time.monotonic() - began) / PROBE_INTERVAL_S
        assert server.opened - opened <= looks, "only probes are sent"
        assert (len(origin._pool.open), len(origin._pool.waiting)) <= (1, 0)


async def test_a_recovered_service_is_called_again_soon() -> None:
    scene = SwitchableServer()
    async with run_script(scene.play) as server, Origin(server.url) as origin:
        service = ServiceChannel("scene", origin, read_s=0.1)
        with capture_logs() as lines:
            await outcomes(*(say(service) for _ in range(FAILURE_THRESHOLD)))
            scene.status = 200
            scene.ready_status = 503  # it answers, and is not ready yet
            await until(lambda: outcomes(say(service)), lambda _: scene.asked.count(b"/readyz") >= 2)
            assert await outcomes(say(service)) == REFUSED
            scene.ready_status, back = 200, time.monotonic()
            await until(lambda: outcomes(say(service)), lambda done: done == [(200, "")])
            assert time.monotonic() - back < 20
        assert [(line["event"], line["service"]) for line in lines if line["event"].startswith("circuit breaker")] == [
            ("circuit breaker opened", "scene"),
            ("circuit breaker closed", "scene"),
        ]
        assert breaker_metric() == 0


async def test_a_failure_after_the_probe_opens_it_again() -> None:
    scene = SwitchableServer()
    async with run_script(scene.play) as server, Origin(server.url) as origin:
        service = ServiceChannel("scene", origin, read_s=0.1)
        await outcomes(*(say(service) for _ in range(FAILURE_THRESHOLD)))
        scene.ready_status = 200
        await until(lambda: outcomes(say(service)), lambda done: done == [(504, "TIMED_OUT")])
        assert await outcomes(say(service)) == REFUSED
        assert breaker_metric() == 1


async def test_refused_connections_open_it() -> None:
    async with Origin("http://127.0.0.1:9") as origin:
        service = ServiceChannel("scene", origin)
        assert await outcomes(*(say(service) for _ in range(FAILURE_THRESHOLD))) == REFUSED * FAILURE_THRESHOLD
        assert breaker_metric() == 1


async def test_refusals_and_errors_of_a_service_are_successes() -> None:
    async with run_echo() as fixture:
        for word in ("forbidden", "early", "broken"):
            await outcomes(
                *(client(EchoContract, fixture.service, {"Authorization": str(n)}).say(word) for n in range(20))
            )
        assert isinstance(await fixture.echo().say("a"), Said)


async def test_a_service_that_responds_504_opens_it() -> None:
    scene = SwitchableServer()
    scene.status = 504
    async with run_script(scene.play) as server, Origin(server.url) as origin:
        service = ServiceChannel("scene", origin)
        await outcomes(*(say(service) for _ in range(FAILURE_THRESHOLD)))
        assert await outcomes(say(service)) == REFUSED


async def test_timeouts_of_short_deadlines_do_not_count() -> None:
    """Many timeouts of calls with short deadlines do not count as failures of the service."""
    scene = SwitchableServer()
    async with run_script(scene.play) as server, Origin(server.url) as origin:
        service = ServiceChannel("scene", origin)
        with deadline.within(0.5):
            impatient = await outcomes(*(say(service) for _ in range(20)))
        # On a busy machine some have too little time left to be sent at all.
        assert {(504, "TIMED_OUT")} <= set(impatient) <= {(504, "TIMED_OUT"), (504, "DEADLINE_EXCEEDED")}
        scene.status = 200
        assert await outcomes(say(service)) == [(200, "")]


async def test_timeouts_beside_successes_do_not_count() -> None:
    """Repeated timeouts of one operation do not affect the others."""
    scene = SwitchableServer()
    async with run_script(scene.play) as server, Origin(server.url) as origin:
        service = ServiceChannel("scene", origin, read_s=0.3)
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(outcomes(*(say(service) for _ in range(20))))
            await until(lambda: asyncio.sleep(0, len(scene.asked)), lambda asked: asked == 20)
            scene.status = 200
            assert await outcomes(say(service)) == [(200, "")]
        assert slow.result() == [(504, "TIMED_OUT")] * 20
        assert await outcomes(say(service)) == [(200, "")]


async def test_an_exhausted_pool_is_no_failure_of_the_service() -> None:
    reached = asyncio.Event()
    async with run_script(silent_server(reached)) as server, Origin(server.url, connections=1, waiting=1) as origin:
        service = ServiceChannel("scene", origin)
        waiting = asyncio.ensure_future(outcomes(say(service), say(service)))
        await reached.wait()
        assert await outcomes(*(say(service) for _ in range(20))) == REFUSED * 20
        assert breaker_metric() == 0
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
