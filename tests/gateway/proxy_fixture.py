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

from gateway.http.proxy import TransferLimits
from services.chassis.http.client.origin import Origin
from services.chassis.rpc.channel import ServiceChannel
from tests.gateway.gateway_fixture import serve_application
from tests.gateway.proxy_process import routes_to
from tests.integration.chassis.http.client.scripted_server import Act, Peer, run_script
from tests.support.polling import until

CSV = {"Content-Type": "text/csv; charset=utf-8"}
MAX_BYTES = 1_000_000
TRANSFER_LIMITS = TransferLimits(media_types=("text/csv", "text/calendar"), max_bytes=MAX_BYTES, idle_timeout_s=10)
SHORT_TIMEOUT_LIMITS = TransferLimits(media_types=("text/csv",), max_bytes=MAX_BYTES, idle_timeout_s=0.2)

FileEndpoint = Callable[[Request], Awaitable[Response]]


class ProxyFixture:
    """What clients see: ``POST`` and ``GET /file``, which are the service's."""

    def __init__(self, url: str, session: aiohttp.ClientSession, origin: Origin) -> None:
        self.url = f"{url}/file"
        self.session = session
        self._origin = origin

    async def post(self, data: object, **headers: str) -> tuple[int, dict[str, Any], Any]:
        """Status, answer and its fields."""
        async with self.session.post(self.url, data=data, headers={**CSV, **headers}) as response:
            return response.status, await response.json(content_type=None), response.headers

    async def post_refused(self, data: object, **headers: str) -> tuple[int, dict[str, Any], Any]:
        """Status, the error's extensions, and fields of the answer to what is not taken."""
        status, answer, fields = await self.post(data, **headers)
        return status, extensions_of(answer), fields

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection, to say on it what no good client says."""
        host, port = self.url.removeprefix("http://").removesuffix("/file").split(":")
        return await asyncio.open_connection(host, int(port), limit=1_000)

    async def await_idle(self) -> None:
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
async def proxy_before(service_url: str, passable: TransferLimits = TRANSFER_LIMITS) -> AsyncIterator[ProxyFixture]:
    async with Origin(service_url) as origin, aiohttp.ClientSession() as session:
        service = ServiceChannel("files", origin, read_s=1 if passable is SHORT_TIMEOUT_LIMITS else 10)
        routes = routes_to(service, {"Authorization": "Bearer anna"}, passable)
        async with serve_application(Starlette(routes=routes)) as url:
            gateway = ProxyFixture(url, session, origin)
            yield gateway
            await gateway.await_idle()


@contextlib.asynccontextmanager
async def proxy_to(endpoint: FileEndpoint, passable: TransferLimits = TRANSFER_LIMITS) -> AsyncIterator[ProxyFixture]:
    """A gateway before a service with this one endpoint."""
    app = Starlette(routes=[Route("/file", endpoint, methods=["GET", "POST"])])
    async with serve_application(app) as url, proxy_before(url, passable) as gateway:
        yield gateway


@contextlib.asynccontextmanager
async def proxy_to_script(act: Act, passable: TransferLimits = TRANSFER_LIMITS) -> AsyncIterator[ProxyFixture]:
    """A gateway before a service that does, byte for byte, what a test says."""
    async with run_script(act) as server, proxy_before(server.url, passable) as gateway:
        yield gateway


async def endless(piece: bytes = b"x" * 10_000) -> AsyncIterator[bytes]:
    while True:
        yield piece
        await asyncio.sleep(0)  # else nothing could end it: where nobody listens, sending waits for nothing


async def never_answers(peer: Peer) -> None:
    """A service that takes what it is asked and does not answer."""
    await peer.request()
    await peer.gone()
