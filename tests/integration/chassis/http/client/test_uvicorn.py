"""The client against uvicorn with httptools."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from services.chassis.http.client.errors import ConnectionLost
from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import field_lines
from tests.integration.chassis.http.client.scripted_server import send_request
from tests.support.http_server import serve_config


@contextlib.asynccontextmanager
async def serve_endpoint(
    endpoint: Callable[[Request], Awaitable[Response]], **settings: float
) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """Serve one endpoint with uvicorn; yield its address."""
    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST"])])
    config = uvicorn.Config(app, http="httptools", log_config=None, lifespan="off", **settings)  # type: ignore[arg-type]
    async with serve_config(config) as (server, port):
        yield f"http://127.0.0.1:{port}", server


async def echo(request: Request) -> Response:
    return Response(await request.body(), headers={"X-Headers": str(len(request.headers))})


async def test_many_callers_at_once() -> None:
    async with serve_endpoint(echo) as (url, server), Origin(url, connections=10) as origin:
        bodies = [b"%d" % number * (number * 500) for number in range(60)]
        answers = await asyncio.gather(*(send_request(origin, body) for body in bodies))
        assert [answer.body for answer in answers] == bodies
        assert len(server.server_state.connections) == 10


async def test_a_streamed_response() -> None:
    async def pieces(request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            for number in range(300):
                yield b"%d," % number

        return StreamingResponse(parts())

    async with serve_endpoint(pieces) as (url, _), Origin(url) as origin:
        for _ in range(3):
            assert (await send_request(origin)).body == b"".join(b"%d," % number for number in range(300))


async def test_an_upload() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 100_000

    async with serve_endpoint(echo) as (url, server), Origin(url) as origin:
        answer = await origin.upload(origin.start("POST", "/a"), field_lines({}), pieces(), pause_s=5)
        assert len(answer.body) == 5_000_000
        assert (await send_request(origin, b"next")).body == b"next"
        assert len(server.server_state.connections) == 1


async def test_a_server_that_closes_idle_connections_first() -> None:
    """Uvicorn ends a connection that was idle for so long; the client hears of it and makes a new one."""
    async with serve_endpoint(echo, timeout_keep_alive=0.05) as (url, server), Origin(url) as origin:
        await send_request(origin, b"first")
        async with asyncio.timeout(60):
            while server.server_state.connections or origin._pool.open:
                await asyncio.sleep(0.005)
        assert (await send_request(origin, b"second")).body == b"second"


async def test_a_server_that_stops() -> None:
    async with serve_endpoint(echo) as (url, _):
        origin = Origin(url)
        await send_request(origin, b"first")
    async with asyncio.timeout(60):
        while origin._pool.open:
            await asyncio.sleep(0.005)
    with pytest.raises(ConnectionLost) as caught:
        await send_request(origin, repeatable=True)
    assert not caught.value.sent
    await origin.close()
