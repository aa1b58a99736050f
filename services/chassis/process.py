"""The life of a process: a small HTTP server (health, perhaps routes), one for its operator, loops; stopped in order.

On SIGTERM or SIGINT it takes nothing new, finishes what runs, and is gone within ten seconds.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

import msgspec
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis.http.server.allowed_hosts import AllowedHosts
from services.chassis.http.server.endpoint import Endpoint
from services.chassis.http.server.http_protocol import HttpProtocol, close_late_connections
from services.chassis.http.server.websocket_protocol import WebSocketProtocol
from services.chassis.runtime import gc_tuning
from services.chassis.runtime.health import Check, Health
from services.chassis.runtime.settings import ProcessSettings, SocketAddress
from services.chassis.telemetry import logging

_log = logging.logger(__name__)

GRACE_S = 8
KEEP_ALIVE_S = 75
"""How long a connection may be idle here: longer than a caller of ours keeps one, so that it is the caller who ends it.

Else one could be closed here just when a write goes out on it, and nobody would know whether it took effect.
"""
LISTENERS = 16
"""How often the one listening socket is listened at: at each the event loop (libuv) takes one connection a turn.

A busy loop's turns are long. With one door connections would come faster than they are taken, wait until their clients
give up, and come again: the busier it was, the more would come.
"""
MAX_MESSAGE_BYTES = 1_000_000
"""Bytes of a WebSocket's message; a larger one closes it with 1009 (RFC 6455, section 7.4.1)."""
_DEFAULT_HEADERS = {"X-Content-Type-Options": "nosniff"}
"""Fields of every answer: a browser takes none for another type than it is declared to be."""
BackgroundLoop = Callable[[asyncio.Event], Awaitable[None]]


class ProcessParts(msgspec.Struct, frozen=True):
    """What a process consists of.

    ``routes`` it answers on; ``checks`` by name, all of which must hold for it to be ready; ``loops`` that run until
    the event they are given is set. ``direct`` are applications by their paths which the framework is not asked for:
    its way to a route takes as long as a small operation. ``endpoints`` are handed what is posted to their targets by
    the server itself (see ``direct``). ``hosts`` are those that it answers for (None: whatever is said), ``fields``
    those of every answer.
    """

    routes: Sequence[BaseRoute]
    checks: Mapping[str, Check]
    loops: Sequence[BackgroundLoop]
    asgi_apps: Mapping[str, ASGIApp] = {}
    endpoints: Mapping[bytes, Endpoint] = {}
    hosts: AllowedHosts | None = None
    headers: Mapping[str, str] = {}


NO_PARTS = ProcessParts(routes=[], checks={}, loops=[])


def run(
    name: str, settings: ProcessSettings, assemble: Callable[[], contextlib.AbstractAsyncContextManager[ProcessParts]]
) -> int:
    """Run a process until it is told to stop; its exit code. A loop that fails ends the process with 1."""
    logging.configure(name, settings.log_level)
    gc_tuning.tune_gc()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run_until_stopped(name, settings, assemble))
    finally:
        logging.flush()


async def _run_until_stopped(
    name: str, settings: ProcessSettings, assemble: Callable[[], contextlib.AbstractAsyncContextManager[ProcessParts]]
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    assembling = asyncio.ensure_future(_assemble(assemble, stop))
    parts, leave = await assembling
    if parts is None:
        return 0
    try:
        return await _serve(name, settings, parts, stop)
    finally:
        await leave()


async def _assemble(
    assemble: Callable[[], contextlib.AbstractAsyncContextManager[ProcessParts]], stop: asyncio.Event
) -> tuple[ProcessParts | None, Callable[[], Awaitable[None]]]:
    """Put the parts together; a stop that comes meanwhile (the database may be away) is heard."""
    stack = contextlib.AsyncExitStack()
    entering = asyncio.ensure_future(stack.enter_async_context(assemble()))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((entering, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not entering.done():
        entering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await entering
        return None, stack.aclose
    return entering.result(), stack.aclose


async def _serve(name: str, settings: ProcessSettings, parts: ProcessParts, stop: asyncio.Event) -> int:
    health = Health(parts.checks, stop)
    app = application([*health.public_routes(), *parts.routes], parts.asgi_apps)
    server, door = _bind(server_config(app, settings.listen.host, settings.listen.port, parts))
    doors = [door, *(door.dup() for _ in range(1, LISTENERS))]
    figures = Starlette(routes=health.operator_routes())
    operators, side_door = _bind(server_config(figures, settings.metrics_listen.host, settings.metrics_listen.port))
    serving = asyncio.ensure_future(server.serve(doors))
    beside = asyncio.ensure_future(operators.serve([side_door]))
    closing = [
        asyncio.ensure_future(close_late_connections(one.server_state.connections)) for one in (server, operators)
    ]
    loops = [asyncio.ensure_future(loop(stop)) for loop in parts.loops]
    stopping = asyncio.ensure_future(stop.wait())
    _log.info("started", listen=str(settings.listen), metrics_listen=str(SocketAddress(*side_door.getsockname()[:2])))
    done, _ = await asyncio.wait((serving, beside, stopping, *loops), return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in done if task is not stopping and not stop.is_set()]
    for task in failed:
        _log.error("a part ended by itself", error=repr(task.exception()))
    stop.set()
    server.should_exit = operators.should_exit = True
    _, late = await asyncio.wait((serving, beside, stopping, *loops), timeout=GRACE_S)
    for task in (*closing, *late):
        task.cancel()
    await asyncio.gather(*closing, *late, return_exceptions=True)
    _log.info("stopped", unfinished=len(late))
    return 1 if failed or late else 0


def _bind(config: uvicorn.Config) -> tuple["_Server", socket.socket]:
    """Return a server and the socket that it is to listen at."""
    return _Server(config), config.bind_socket()


def server_config(
    app: ASGIApp, host: str = "127.0.0.1", port: int = 0, parts: ProcessParts = NO_PARTS
) -> uvicorn.Config:
    """How every process serves HTTP and WebSockets: what ``parts`` say of requests' heads and of answers' fields."""
    return uvicorn.Config(
        app,
        interface="asgi3",
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
        server_header=False,
        proxy_headers=False,  # the address that a proxy names is read where it is used
        headers=list({**_DEFAULT_HEADERS, **parts.headers}.items()),
        http=HttpProtocol.configured(parts.endpoints, parts.hosts),
        ws=WebSocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # a state a connection: much memory, and each message packed for each peer
    )


def application(routes: Sequence[BaseRoute], direct: Mapping[str, ASGIApp]) -> ASGIApp:
    """What answers requests: ``direct`` by their paths, and else the routes."""
    framework = Starlette(routes=routes)
    if not direct:
        return framework

    def answer(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return direct.get(scope["path"], framework)(scope, receive, send)

    return answer


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: this process has one way to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
