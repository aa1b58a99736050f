"""The resource of files: uploads to a service, and downloads from it by links. The service authorises both."""

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from gateway.errors import RequestError
from gateway.http import proxy
from gateway.http.proxy import TransferLimits
from gateway.http.request_guard import RequestGuard
from gateway.http.resource import resource
from services.chassis.problems import Unauthenticated
from services.chassis.rpc.channel import ServiceChannel
from services.contracts.imports import FILE_TYPE, MAX_BAD_ROWS_BYTES, MAX_FILE_BYTES, OWNER_BY_KIND
from services.contracts.support.thread import ATTACHMENT_TYPES

_MEDIA_TYPES = (FILE_TYPE, *ATTACHMENT_TYPES)
UPLOAD_LIMITS = TransferLimits(media_types=_MEDIA_TYPES, max_bytes=MAX_FILE_BYTES)
DOWNLOAD_LIMITS = TransferLimits(media_types=_MEDIA_TYPES, max_bytes=MAX_BAD_ROWS_BYTES)
_SERVICES = frozenset({*OWNER_BY_KIND.values(), "support"})
"""The services that have files."""
_COST = 1_000
"""As much as a page of a thousand objects."""


def file_route(guard: RequestGuard) -> Mount:
    """``POST /files/{service}/{purpose}?name=`` with the file as its body, and ``GET /files/{service}/{id}?token=``.

    A download takes the token of its link and no other.
    """

    async def upload_file(request: Request) -> Response:
        requester = await guard.authenticate(request, _COST)
        if requester.caller is None:
            raise Unauthenticated
        path = _path(request, "name")
        return await proxy.upload(request, _service(request), path, requester.clients.headers, UPLOAD_LIMITS)

    async def download_file(request: Request) -> Response:
        requester = guard.anonymous(request, _COST)
        path = _path(request, "token")
        return await proxy.download(request, _service(request), path, requester.clients.headers, DOWNLOAD_LIMITS)

    def _service(request: Request) -> ServiceChannel:
        name = request.path_params["service"]
        if name not in _SERVICES:
            raise RequestError(404, "NOT_FOUND", path=["service"])
        return guard.dependencies.services[name]

    return Mount("/files", routes=[resource("/{service}/{name}", POST=upload_file, GET=download_file)])


def _path(request: Request, parameter: str) -> str:
    """Return the path at the service, with one parameter of the query."""
    query = urlencode({parameter: request.query_params.get(parameter, "")})
    return f"/files/{quote(request.path_params['name'], safe='')}?{query}"
