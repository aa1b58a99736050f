"""``POST /imports/<kind>``: a CSV file as the body, which is staged for import. Staff only."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from services.access.authorization import check_permission
from services.access.caller import Caller
from services.chassis.imports.export_files import InvalidFile
from services.chassis.imports.importer import FileImporter
from services.chassis.problems import problem_response
from services.chassis.rpc.server import instrumented
from services.contracts.imports import FILE_TYPE, MAX_FILE_BYTES
from services.contracts.permission import STAFF

MAX_CONCURRENT_UPLOADS = 3
"""Concurrent uploads: each holds a connection to the database for its whole length."""


class _FileTooLarge(Exception):
    """The file exceeds ``MAX_FILE_BYTES``."""


def upload_route(imports: FileImporter[Any], authenticate: Callable[[Request], Awaitable[Caller]]) -> Route:
    """Return the route. Its response is the staged import as JSON.

    404 for an unknown kind, 413, 415 and 422 for an invalid file, 503 during too many uploads. The file is streamed
    into the database; nothing is kept of one that is incomplete or refused.
    """
    uploads = 0

    async def stage(request: Request) -> Response:  # noqa: PLR0911 - one return for each refusal
        nonlocal uploads
        caller = await authenticate(request)
        check_permission(caller, STAFF)
        kind = request.path_params["kind"]
        if kind not in imports.kinds:
            return problem_response(404, "Unknown kind of file", "NOT_FOUND", path=["kind"])
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FILE_TYPE:
            params = {"expected": FILE_TYPE}
            return problem_response(415, "No such type", "UNSUPPORTED_MEDIA_TYPE", {"Accept": FILE_TYPE}, params=params)
        if uploads >= MAX_CONCURRENT_UPLOADS:
            return problem_response(503, "Other files come just now", "UNAVAILABLE", {"Retry-After": "10"})
        uploads += 1
        try:
            staged = await imports.stage(kind, request.query_params.get("name", kind), _body_chunks(request))
        except ClientDisconnect:
            return problem_response(400, "The file broke off", "BROKEN_OFF")
        except _FileTooLarge:
            return problem_response(413, "Too large", "TOO_LARGE", params={"limit": str(MAX_FILE_BYTES)})
        except InvalidFile as invalid:
            return problem_response(
                422, "Not such a file", "WRONG_FILE", params={"reason": invalid.reason, **invalid.params}
            )
        finally:
            uploads -= 1
        return Response(msgspec.json.encode(staged), 201, media_type="application/json")

    return Route("/imports/{kind}", instrumented("stageImport", stage), methods=["POST"])


async def _body_chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body. Raises ClientDisconnect if it is incomplete, _FileTooLarge if it is too large."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_FILE_BYTES:
            raise _FileTooLarge
        yield chunk
