"""The resource of imports: uploads of files to the service of their kind, and downloads of the rows it left out."""

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from gateway.errors import RequestError
from gateway.http import proxy
from gateway.http.proxy import TransferLimits
from gateway.http.request_guard import RequestGuard
from gateway.http.resource import resource
from gateway.schema.imports.owners import OWNER_BY_KIND, owner_of
from services.chassis.problems import Forbidden, Unauthenticated
from services.contracts.imports import FILE_TYPE, MAX_FILE_BYTES
from services.contracts.permission import SubjectKind

EXPORT_FILE_LIMITS = TransferLimits(media_types=(FILE_TYPE,), max_bytes=MAX_FILE_BYTES)
BAD_ROWS_LIMITS = TransferLimits(media_types=("text/csv",), max_bytes=1_000_000_000)
"""A line about a row is longer than the row: this is enough for all rows of the largest file."""
_COST = 1_000
"""As much as a page of a thousand objects."""


def import_route(guard: RequestGuard) -> Mount:
    """``POST /imports/{kind}?name=`` with the file as its body, and ``GET /imports/{id}/bad-rows``. Staff only."""

    async def forward_import(request: Request) -> Response:
        headers = await _staff(request)
        kind = request.path_params["kind"]
        service = OWNER_BY_KIND.get(kind)
        if service is None:
            raise RequestError(404, "NOT_FOUND", path=["kind"])
        path = f"/imports/{kind}?{urlencode({'name': request.query_params.get('name', kind)})}"
        return await proxy.upload(request, guard.dependencies.services[service], path, headers, EXPORT_FILE_LIMITS)

    async def forward_bad_rows(request: Request) -> Response:
        headers = await _staff(request)
        import_id = request.path_params["id"]
        service = owner_of(import_id)
        if service is None:
            raise RequestError(404, "NOT_FOUND", path=["id"])
        path = f"/imports/{quote(import_id, safe='')}/bad-rows"
        return await proxy.download(request, guard.dependencies.services[service], path, headers, BAD_ROWS_LIMITS)

    async def _staff(request: Request) -> dict[str, str]:
        """Return the headers of calls in the name of the caller, who has to be staff."""
        requester = await guard.authenticate(request, _COST)
        if requester.caller is None:
            raise Unauthenticated
        if requester.caller.kind is not SubjectKind.STAFF:
            raise Forbidden
        return requester.clients.headers

    return Mount(
        "/imports",
        routes=[
            resource("/{kind}", POST=forward_import),
            resource("/{id}/bad-rows", GET=forward_bad_rows),
        ],
    )
