"""The gateway's proxy of files, before a test's service."""

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
    """A client of the proxied resource: ``POST`` and ``GET /file``."""

    def __init__(self, url: str, session: aiohttp.ClientSession, origin: Origin) -> None:
        self.url = f"{url}/file"
        self.session = session
        self._origin = origin

    async def post(self, data: object, **headers: str) -> tuple[int, dict[str, Any], Any]:
        """Return the status, the body and the header fields of an upload's response."""
        async with self.session.post(self.url, data=data, headers={**CSV, **headers}) as response:
            return response.status, await response.json(content_type=None), response.headers

    async def post_refused(self, data: object, **headers: str) -> tuple[int, dict[str, Any], Any]:
        """Return the status, the error's extensions, and the header fields of a rejected upload's response."""
        status, answer, fields = await self.post(data, **headers)
        return status, extensions_of(answer), fields

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a raw connection."""
        host, port = self.url.removeprefix("http://").removesuffix("/file").split(":")
        return await asyncio.open_connection(host, int(port), limit=1_000)

    async def await_idle(self) -> None:
        """Wait until no transfer and no connection to the service is in use."""

        async def in_use() -> tuple[int, int]:
            return self._origin._streams, len(self._origin._pool.open) - len(self._origin._pool.idle)

        await until(in_use, lambda seen: seen == (0, 0))


def extensions_of(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the extensions of a response's only error."""
    (error,) = answer["errors"]
    assert error["message"] != error["extensions"]["code"], "it says nothing to people"
    extensions: dict[str, Any] = error["extensions"]
    return extensions


@contextlib.asynccontextmanager
async def proxy_before(service_url: str, limits: TransferLimits = TRANSFER_LIMITS) -> AsyncIterator[ProxyFixture]:
    async with Origin(service_url) as origin, aiohttp.ClientSession() as session:
        service = ServiceChannel("files", origin, read_s=1 if limits is SHORT_TIMEOUT_LIMITS else 10)
        routes = routes_to(service, {"Authorization": "Bearer anna"}, limits)
        async with serve_application(Starlette(routes=routes)) as url:
            gateway = ProxyFixture(url, session, origin)
            yield gateway
            await gateway.await_idle()


@contextlib.asynccontextmanager
async def proxy_to(endpoint: FileEndpoint, limits: TransferLimits = TRANSFER_LIMITS) -> AsyncIterator[ProxyFixture]:
    """Run a proxy before a service with one endpoint."""
    app = Starlette(routes=[Route("/file", endpoint, methods=["GET", "POST"])])
    async with serve_application(app) as url, proxy_before(url, limits) as gateway:
        yield gateway


@contextlib.asynccontextmanager
async def proxy_to_script(act: Act, limits: TransferLimits = TRANSFER_LIMITS) -> AsyncIterator[ProxyFixture]:
    """Run a proxy before a service that a test scripts byte for byte."""
    async with run_script(act) as server, proxy_before(server.url, limits) as gateway:
        yield gateway


async def endless(piece: bytes = b"x" * 10_000) -> AsyncIterator[bytes]:
    while True:
        yield piece
        await asyncio.sleep(0)  # sends to a closed peer don't wait, so nothing else would let it be cancelled


async def never_answers(peer: Peer) -> None:
    """A service that reads requests and does not answer."""
    await peer.request()
    await peer.gone()
