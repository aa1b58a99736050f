"""Life cycle of a process: a public HTTP server, one for the operator, background loops, and an orderly stop.

On SIGTERM or SIGINT it accepts no new work, finishes the present work, and exits within ten seconds.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NoReturn

import msgspec
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from services.chassis.http.server import compat
from services.chassis.http.server.allowed_hosts import AllowedHosts
from services.chassis.http.server.endpoint import Endpoint
from services.chassis.http.server.http_protocol import HttpProtocol, close_late_connections
from services.chassis.http.server.websocket_protocol import WebSocketProtocol
from services.chassis.runtime import gc_tuning
from services.chassis.runtime.health import Check, Health
from services.chassis.runtime.settings import ProcessSettings, SocketAddress, SpanExport
from services.chassis.telemetry import logging

_log = logging.logger(__name__)

GRACE_S = 8
KEEP_ALIVE_S = 75
"""Idle time of a connection: longer than our own clients keep one, so that the client closes it.

A close by the server could cross with a write, and leave open whether the write took effect.
"""
LISTENERS = 16
"""Duplicates of the listening socket: libuv accepts one connection at each in an iteration of the event loop.

Iterations of a busy loop are long. With one listener, connections would queue until their clients give up and
reconnect, which makes the loop busier still.
"""
MAX_MESSAGE_BYTES = 1_000_000
"""Bytes of a WebSocket message; a larger one closes the socket with 1009 (RFC 6455, section 7.4.1)."""
_DEFAULT_HEADERS = {"X-Content-Type-Options": "nosniff"}
"""Header fields of every response: browsers must not guess another media type than the declared one."""
BackgroundLoop = Callable[[asyncio.Event], Awaitable[None]]


class ProcessParts(msgspec.Struct, frozen=True):
    """Components of a process."""

    routes: Sequence[BaseRoute]
    checks: Mapping[str, Check]
    """Readiness checks by name."""
    loops: Sequence[BackgroundLoop]
    """Background loops, which run until the event that they are called with is set."""
    asgi_apps: Mapping[str, ASGIApp] = {}
    """Applications by path that bypass the framework, whose routing takes as long as a small operation."""
    endpoints: Mapping[bytes, Endpoint] = {}
    """Endpoints by target that the server calls without ASGI (see ``http.server.endpoint``)."""
    hosts: AllowedHosts | None = None
    """Hosts that the server answers for; None accepts any Host field."""
    headers: Mapping[str, str] = {}
    """Header fields of every response."""


NO_PARTS = ProcessParts(routes=[], checks={}, loops=[])


def run(
    name: str, settings: ProcessSettings, assemble: Callable[[], contextlib.AbstractAsyncContextManager[ProcessParts]]
) -> int:
    """Run a process until SIGTERM or SIGINT, and return its exit code.

    1 if a background task failed, 2 if it can't export spans as its settings say.
    """
    logging.configure(name, settings.log_level)
    gc_tuning.tune_gc()
    try:
        exporting = _export_spans(name, settings)
    except ModuleNotFoundError as missing:
        sys.stderr.write(f"{name} can't start: KIERTO_TRACES=otlp needs the extra telemetry ({missing})\n")
        return 2
    try:
        with exporting, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run_until_stopped(name, settings, assemble))
    finally:
        logging.flush()


def end(code: int) -> NoReturn:
    """End the process at once, without Python's finalization.

    A thread of a library that returns to Python during it aborts the process: obstore's do, while they finish a file.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _export_spans(name: str, settings: ProcessSettings) -> contextlib.AbstractContextManager[None]:
    """Return a context manager that exports the process's spans, if the settings say so."""
    if settings.traces is SpanExport.OFF:
        return contextlib.nullcontext()
    from services.chassis.telemetry import otlp  # the SDK is in the extra ``telemetry``

    return otlp.export_spans(name, settings.traces_endpoint, settings.traces_ratio)


async def _run_until_stopped(
    name: str, settings: ProcessSettings, assemble: Callable[[], contextlib.AbstractAsyncContextManager[ProcessParts]]
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    parts, close = await _assemble(assemble, stop)
    if parts is None:
        return 0
    try:
        return await _serve(settings, parts, stop)
    finally:
        await close()


async def _assemble(
    assemble: Callable[[], contextlib.AbstractAsyncContextManager[ProcessParts]], stop: asyncio.Event
) -> tuple[ProcessParts | None, Callable[[], Awaitable[None]]]:
    """Assemble the parts and return them with their close; None if stopped before (the database may be unavailable)."""
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


async def _serve(settings: ProcessSettings, parts: ProcessParts, stop: asyncio.Event) -> int:
    health = Health(parts.checks, stop)
    app = application([*health.public_routes(), *parts.routes], parts.asgi_apps)
    config = server_config(app, settings.listen.host, settings.listen.port, parts)
    server, listener = compat.Server(config), config.bind_socket()
    listeners = [listener, *(listener.dup() for _ in range(1, LISTENERS))]
    operator_app = Starlette(routes=health.operator_routes())
    operator_config = server_config(operator_app, settings.metrics_listen.host, settings.metrics_listen.port)
    operator_server, operator_listener = compat.Server(operator_config), operator_config.bind_socket()
    serving = [
        asyncio.ensure_future(server.serve(listeners)),
        asyncio.ensure_future(operator_server.serve([operator_listener])),
    ]
    closing = [asyncio.ensure_future(close_late_connections(one.connections)) for one in (server, operator_server)]
    loops = [asyncio.ensure_future(loop(stop)) for loop in parts.loops]
    stopping = asyncio.ensure_future(stop.wait())
    metrics_listen = SocketAddress(*operator_listener.getsockname()[:2])
    _log.info("started", listen=str(settings.listen), metrics_listen=str(metrics_listen))

    done, _ = await asyncio.wait((*serving, stopping, *loops), return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in done if task is not stopping and not stop.is_set()]
    for task in failed:
        _log.error("background task exited", exc_info=task.exception())
    stop.set()
    server.should_exit = operator_server.should_exit = True
    _, late = await asyncio.wait((*serving, stopping, *loops), timeout=GRACE_S)
    for task in (*closing, *late):
        task.cancel()
    await asyncio.gather(*closing, *late, return_exceptions=True)
    _log.info("stopped", unfinished=len(late))
    return 1 if failed or late else 0


def server_config(
    app: ASGIApp, host: str = "127.0.0.1", port: int = 0, parts: ProcessParts = NO_PARTS
) -> uvicorn.Config:
    """Return uvicorn's configuration for HTTP and WebSockets, with the endpoints, hosts and headers of ``parts``."""
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
        proxy_headers=False,  # the gateway reads X-Forwarded-For itself, of trusted proxies alone
        headers=list({**_DEFAULT_HEADERS, **parts.headers}.items()),
        http=HttpProtocol.configured(parts.endpoints, parts.hosts),
        ws=WebSocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # its state takes much memory a connection, and each peer's message its own CPU
    )


def application(routes: Sequence[BaseRoute], asgi_apps: Mapping[str, ASGIApp]) -> ASGIApp:
    """Return an application that dispatches to ``asgi_apps`` by path, and other paths to the routes."""
    framework = Starlette(routes=routes)
    if not asgi_apps:
        return framework

    def dispatch(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return asgi_apps.get(scope["path"], framework)(scope, receive, send)

    return dispatch
