"""A process that lets files pass, as the gateway's does: ``PORT SERVICE``, the service's ``/file`` is its own."""

import contextlib
import sys
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.http import passing
from gateway.http.passing import Passable
from gateway.http.resource import resource
from services.chassis import process
from services.chassis.http_client.origin import Origin
from services.chassis.process import Parts
from services.chassis.rpc.service import Service
from services.chassis.settings import Address, ProcessSettings

PASSABLE = Passable(types=("text/csv",), largest=200_000_000)


def routes_to(service: Service, headers: Mapping[str, str], passable: Passable) -> list[Route]:
    """``POST`` and ``GET /file``, which are the service's."""

    async def pass_on(request: Request) -> Response:
        return await passing.upload(request, service, "/file", headers, passable)

    async def pass_back(request: Request) -> Response:
        return await passing.download(request, service, "/file", headers, passable)

    return [resource("/file", POST=pass_on, GET=pass_back)]


@contextlib.asynccontextmanager
async def assemble() -> AsyncIterator[Parts]:
    async with Origin(sys.argv[2]) as origin:
        yield Parts(routes=routes_to(Service("files", origin), {}, PASSABLE), checks={}, loops=[])


if __name__ == "__main__":
    sys.exit(process.run("passing", ProcessSettings(listen=Address("127.0.0.1", int(sys.argv[1]))), assemble))
