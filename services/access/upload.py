"""The import resource of a service: ``POST /imports/<kind>`` takes a CSV file as its body and stages it. Staff only."""

import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from services.access.caller import Caller
from services.chassis.export_files import WrongFile
from services.chassis.imports import Imports
from services.chassis.problems import respond
from services.chassis.rpc.server import guarded
from services.contracts.identity import SubjectKind
from services.contracts.imports import FILE_TYPE, LARGEST_FILE

_IN_MEMORY = 1_000_000


def upload_route(imports: Imports[Any], authenticate: Callable[[Request], Awaitable[Caller]]) -> Route:
    """The route; the answer is the staged import as JSON, 404 for an unknown kind, 413, 415 and 422 for a wrong file.

    Of a file that breaks off, or is too large, nothing is kept.
    """

    async def stage(request: Request) -> Response:
        caller = await authenticate(request)
        caller.require(SubjectKind.STAFF)
        kind = request.path_params["kind"]
        if kind not in imports.kinds:
            return respond(404, "Unknown kind of file", "NOT_FOUND", path=["kind"])
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FILE_TYPE:
            params = {"types": FILE_TYPE}
            return respond(415, "No such type", "UNSUPPORTED_MEDIA_TYPE", {"Accept": FILE_TYPE}, params=params)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            size = 0
            try:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > LARGEST_FILE:
                        return respond(413, "Too large", "TOO_LARGE", params={"limit": str(LARGEST_FILE)})
                    file.write(chunk)
            except ClientDisconnect:
                return respond(400, "The file broke off", "BROKEN_OFF")
            file.seek(0)
            try:
                staged = await imports.stage(kind, request.query_params.get("name", kind), file)
            except WrongFile as wrong:
                params = {"reason": wrong.reason, "columns": wrong.columns}
                return respond(422, "Not such a file", "WRONG_FILE", params=params)
        return Response(msgspec.json.encode(staged), 201, media_type="application/json")

    return Route("/imports/{kind}", guarded("stageImport", stage), methods=["POST"])
