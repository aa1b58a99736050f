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
from services.contracts.support.thread import ATTACHMENT_TYPES, MAX_ATTACHMENT_BYTES

_ATTACHMENTS = TransferLimits(media_types=ATTACHMENT_TYPES, max_bytes=MAX_ATTACHMENT_BYTES)
UPLOAD_LIMITS = {
    **dict.fromkeys(OWNER_BY_KIND.values(), TransferLimits(media_types=(FILE_TYPE,), max_bytes=MAX_FILE_BYTES)),
    "support": _ATTACHMENTS,
}
"""The limits of uploads, by the services that have files."""
DOWNLOAD_LIMITS = {
    **dict.fromkeys(OWNER_BY_KIND.values(), TransferLimits(media_types=(FILE_TYPE,), max_bytes=MAX_BAD_ROWS_BYTES)),
    "support": _ATTACHMENTS,
}
"""The limits of downloads, by service."""
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
        name, service = _service(request)
        return await proxy.upload(request, service, path, requester.clients.headers, UPLOAD_LIMITS[name])

    async def download_file(request: Request) -> Response:
        requester = guard.anonymous(request, _COST)
        path = _path(request, "token")
        name, service = _service(request)
        return await proxy.download(request, service, path, requester.clients.headers, DOWNLOAD_LIMITS[name])

    def _service(request: Request) -> tuple[str, ServiceChannel]:
        name = request.path_params["service"]
        if name not in UPLOAD_LIMITS:
            raise RequestError(404, "NOT_FOUND", path=["service"])
        return name, guard.dependencies.services[name]

    return Mount("/files", routes=[resource("/{service}/{name}", POST=upload_file, GET=download_file)])


def _path(request: Request, parameter: str) -> str:
    """Return the path at the service, with one parameter of the query."""
    query = urlencode({parameter: request.query_params.get(parameter, "")})
    return f"/files/{quote(request.path_params['name'], safe='')}?{query}"
