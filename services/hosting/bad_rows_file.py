"""``GET /imports/<id>/bad-rows``: the bad rows of an import, as CSV in the caller's language. Staff only."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import PurePath
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from services.access.authorization import check_permission
from services.access.caller import Caller
from services.chassis.http.server.content_disposition import attachment
from services.chassis.imports.csv_text import CONTENT_TYPE, csv_text
from services.chassis.imports.importer import FileImporter
from services.chassis.problems import problem_response
from services.chassis.rpc.server import instrumented
from services.contracts.identity import Language
from services.contracts.permission import STAFF

HEADER = ("line", "field", "code", "reason")


def bad_rows_route(imports: FileImporter[Any], authenticate: Callable[[Request], Awaitable[Caller]]) -> Route:
    """Return the route. 404 for an unknown import; for a running one the bad rows so far."""

    async def show(request: Request) -> Response:
        caller = await authenticate(request)
        check_permission(caller, STAFF)
        import_id = request.path_params["id"]
        (imported,) = await imports.imports([import_id])
        if imported is None:
            return problem_response(404, "No such import", "NOT_FOUND", path=["id"])
        name = f"{PurePath(imported.file_name).stem}-bad-rows.csv"
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Content-Disposition": attachment(name),
            "Content-Language": caller.language.value,
        }
        return StreamingResponse(_csv_chunks(imports, import_id, caller.language), headers=headers)

    return Route("/imports/{id}/bad-rows", instrumented("showBadRows", show), methods=["GET"])


async def _csv_chunks(imports: FileImporter[Any], import_id: str, language: Language) -> AsyncIterator[bytes]:
    yield csv_text([HEADER])
    async for rows in imports.all_bad_rows(import_id, language):
        yield csv_text([(row.line, row.field, row.code, row.reason) for row in rows])
