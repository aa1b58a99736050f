"""The import resource: a file goes on to the service that takes in its kind; what was left out of it comes back."""

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from gateway.context import Foundation, asker_of
from gateway.http import passing
from gateway.http.bearer import caller_of
from gateway.http.passing import Passable
from gateway.schema.imports.owners import OWNERS, owner_of
from services.chassis.problems import Forbidden, Unauthenticated, respond
from services.chassis.rpc.server import guarded
from services.contracts.identity import SubjectKind
from services.contracts.imports import FILE_TYPE, LARGEST_FILE

FILE = Passable(types=(FILE_TYPE,), largest=LARGEST_FILE)
BAD_ROWS = Passable(types=("text/csv",), largest=1_000_000_000)
"""What a service says of a row is longer than the row: this is every row of the largest file."""


def import_route(foundation: Foundation) -> Mount:
    """``POST /imports/{kind}?name=`` with the file as its body, and ``GET /imports/{id}/bad-rows``. Staff only."""

    async def stage(request: Request) -> Response:
        headers = await _staff(request)
        kind = request.path_params["kind"]
        service = OWNERS.get(kind)
        if service is None:
            return respond(404, "Unknown kind of file", "NOT_FOUND", path=["kind"])
        path = f"/imports/{kind}?{urlencode({'name': request.query_params.get('name', kind)})}"
        return await passing.upload(request, foundation.services[service], path, headers, FILE)

    async def bad_rows(request: Request) -> Response:
        headers = await _staff(request)
        import_id = request.path_params["id"]
        service = owner_of(import_id)
        if service is None:
            return respond(404, "No such import", "NOT_FOUND", path=["id"])
        path = f"/imports/{quote(import_id, safe='')}/bad-rows"
        return await passing.download(request, foundation.services[service], path, headers, BAD_ROWS)

    async def _staff(request: Request) -> dict[str, str]:
        """What is said to a service of the caller, who is staff."""
        caller = await caller_of(request, foundation.access)
        if caller is None:
            raise Unauthenticated
        if caller.kind is not SubjectKind.STAFF:
            raise Forbidden
        return asker_of(request, foundation, caller).calls.headers

    return Mount(
        "/imports",
        routes=[
            Route("/{kind}", guarded("forwardImport", stage), methods=["POST"]),
            Route("/{id}/bad-rows", guarded("forwardBadRows", bad_rows), methods=["GET"]),
        ],
    )
