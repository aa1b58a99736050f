"""A process with the gateway's proxy (arguments ``PORT SERVICE``) of the service's ``/file``."""

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


def routes_to(service: ServiceChannel, headers: Mapping[str, str], limits: TransferLimits) -> list[Route]:
    """``POST`` and ``GET /file`` of the service."""

    async def pass_on(request: Request) -> Response:
        return await proxy.upload(request, service, "/file", headers, limits)

    async def pass_back(request: Request) -> Response:
        return await proxy.download(request, service, "/file", headers, limits)

    return [resource("/file", POST=pass_on, GET=pass_back)]


@contextlib.asynccontextmanager
async def assemble() -> AsyncIterator[ProcessParts]:
    async with Origin(sys.argv[2]) as origin:
        yield ProcessParts(routes=routes_to(ServiceChannel("files", origin), {}, TRANSFER_LIMITS), checks={}, loops=[])


if __name__ == "__main__":
    sys.exit(process.run("passing", ProcessSettings(listen=SocketAddress("127.0.0.1", int(sys.argv[1]))), assemble))
