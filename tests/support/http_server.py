"""A real HTTP server on loopback for the length of a block."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from tests.support.polling import until


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


@contextlib.asynccontextmanager
async def serve_routes(routes: Sequence[BaseRoute]) -> AsyncIterator[str]:
    """Serve these routes and yield the URL."""
    app = Starlette(routes=list(routes))
    config = uvicorn.Config(app, log_config=None, lifespan="off", proxy_headers=False, ws="websockets-sansio")
    async with serve_config(config) as (_, port):
        yield f"http://127.0.0.1:{port}"


@contextlib.asynccontextmanager
async def serve_config(config: uvicorn.Config) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """Run a server with this configuration; yield it and its port."""
    # Only for a socket whose protocol is named does asyncio set TCP_NODELAY.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        server = _Server(config)
        task = asyncio.create_task(server.serve([listener]))
        await until(lambda: asyncio.sleep(0, server.started))
        try:
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


def close_connections(server: uvicorn.Server) -> None:
    """Abort the connections that are left."""
    for connection in list(server.server_state.connections):
        connection.transport.abort()
