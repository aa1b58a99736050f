"""A process that lets files pass, as the gateway's does: ``PORT SERVICE``, the service's ``/file`` is its own."""

import contextlib
import sys
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http import proxy
from gateway.http.proxy import TransferLimits
from gateway.http.resource import resource
from services.chassis import process
from services.chassis.http.client.origin import Origin
from services.chassis.process import ProcessParts
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.runtime.settings import ProcessSettings, SocketAddress

TRANSFER_LIMITS = TransferLimits(media_types=("text/csv",), max_bytes=200_000_000)


def routes_to(service: ServiceChannel, headers: Mapping[str, str], passable: TransferLimits) -> list[Route]:
    """``POST`` and ``GET /file``, which are the service's."""

    async def pass_on(request: Request) -> Response:
        return await proxy.upload(request, service, "/file", headers, passable)

    async def pass_back(request: Request) -> Response:
        return await proxy.download(request, service, "/file", headers, passable)

    return [resource("/file", POST=pass_on, GET=pass_back)]


@contextlib.asynccontextmanager
async def assemble() -> AsyncIterator[ProcessParts]:
    async with Origin(sys.argv[2]) as origin:
        yield ProcessParts(routes=routes_to(ServiceChannel("files", origin), {}, TRANSFER_LIMITS), checks={}, loops=[])


if __name__ == "__main__":
    sys.exit(process.run("passing", ProcessSettings(listen=SocketAddress("127.0.0.1", int(sys.argv[1]))), assemble))
