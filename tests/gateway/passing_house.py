"""A gateway that lets files pass, before a service that a test makes up."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http.passing import Passable
from services.chassis.http_client.origin import Origin
from services.chassis.rpc.service import Service
from tests.gateway.house import serve
from tests.gateway.passing_process import routes_to
from tests.integration.chassis.http_client.scripted import Act, Peer, scripted
from tests.support.wait import until

CSV = {"Content-Type": "text/csv; charset=utf-8"}
LARGEST = 1_000_000
PASSABLE = Passable(types=("text/csv", "text/calendar"), largest=LARGEST, pause_s=10)
HASTY = Passable(types=("text/csv",), largest=LARGEST, pause_s=0.2)

Endpoint = Callable[[Request], Awaitable[Response]]


class Gateway:
    """What clients see: ``POST`` and ``GET /file``, which are the service's."""

    def __init__(self, url: str, session: aiohttp.ClientSession, origin: Origin) -> None:
        self.url = f"{url}/file"
        self.session = session
        self._origin = origin

    async def post(self, data: object, **headers: str) -> tuple[int, dict[str, Any], Any]:
        """Status, answer and its fields."""
        async with self.session.post(self.url, data=data, headers={**CSV, **headers}) as response:
            return response.status, await response.json(content_type=None), response.headers

    async def refused(self, data: object, **headers: str) -> tuple[int, dict[str, Any], Any]:
        """Status, the error's extensions, and fields of the answer to what is not taken."""
        status, answer, fields = await self.post(data, **headers)
        return status, extensions_of(answer), fields

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection, to say on it what no good client says."""
        host, port = self.url.removeprefix("http://").removesuffix("/file").split(":")
        return await asyncio.open_connection(host, int(port), limit=1_000)

    async def at_rest(self) -> None:
        """Wait until nothing passes any more, and no connection to the service is in use."""

        async def in_use() -> tuple[int, int]:
            return self._origin._streams, len(self._origin._pool.open) - len(self._origin._pool.idle)

        await until(in_use, lambda seen: seen == (0, 0))


def extensions_of(answer: dict[str, Any]) -> dict[str, Any]:
    """What the one error of an answer says to programs."""
    (error,) = answer["errors"]
    assert error["message"] != error["extensions"]["code"], "it says nothing to people"
    extensions: dict[str, Any] = error["extensions"]
    return extensions


@contextlib.asynccontextmanager
async def gateway_before(service_url: str, passable: Passable = PASSABLE) -> AsyncIterator[Gateway]:
    async with Origin(service_url) as origin, aiohttp.ClientSession() as session:
        service = Service("files", origin, read_s=1 if passable is HASTY else 10)
        routes = routes_to(service, {"Authorization": "Bearer anna"}, passable)
        async with serve(Starlette(routes=routes)) as url:
            gateway = Gateway(url, session, origin)
            yield gateway
            await gateway.at_rest()


@contextlib.asynccontextmanager
async def passing_to(endpoint: Endpoint, passable: Passable = PASSABLE) -> AsyncIterator[Gateway]:
    """A gateway before a service with this one endpoint."""
    app = Starlette(routes=[Route("/file", endpoint, methods=["GET", "POST"])])
    async with serve(app) as url, gateway_before(url, passable) as gateway:
        yield gateway


@contextlib.asynccontextmanager
async def passing_to_script(act: Act, passable: Passable = PASSABLE) -> AsyncIterator[Gateway]:
    """A gateway before a service that does, byte for byte, what a test says."""
    async with scripted(act) as server, gateway_before(server.url, passable) as gateway:
        yield gateway


async def endless(piece: bytes = b"x" * 10_000) -> AsyncIterator[bytes]:
    while True:
        yield piece
        await asyncio.sleep(0)  # else nothing could end it: where nobody listens, sending waits for nothing


async def answers_nothing(peer: Peer) -> None:
    """A service that takes what it is asked and does not answer."""
    await peer.request()
    await peer.gone()
