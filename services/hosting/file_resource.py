"""``POST /files/<purpose>?name=`` and ``GET /files/<id>?token=``: uploads to a service, and downloads of its files.

Each purpose says who may upload. A download is open to the bearer of its link, which the service gave to a caller that
it had authorised.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from services.access.authorization import check_permission
from services.access.caller import Caller
from services.chassis.files.download_token import ID_PREFIX, InvalidDownloadToken
from services.chassis.files.file_rows import UnknownFile
from services.chassis.files.invalid_upload import InvalidUpload, UploadProblem
from services.chassis.files.service_files import ServiceFiles
from services.chassis.files.store import FileMissing, StoreUnavailable
from services.chassis.http.server.content_disposition import attachment
from services.chassis.ids import find_id
from services.chassis.imports.export_files import InvalidFile
from services.chassis.problems import problem_response
from services.chassis.rpc.server import instrumented
from services.chassis.telemetry.logging import logger
from services.contracts.permission import Permission

_log = logger(__name__)

MAX_CONCURRENT_UPLOADS = 3
"""Concurrent uploads to a process: each has a part of its file in memory."""
_REFUSALS = (
    ClientDisconnect,
    FileMissing,
    InvalidDownloadToken,
    InvalidFile,
    InvalidUpload,
    StoreUnavailable,
    UnknownFile,
)


class UploadPurpose(msgspec.Struct, frozen=True, kw_only=True):
    """A purpose for which files are uploaded."""

    permission: Permission
    """The callers who may upload."""
    media_types: Sequence[str]
    """The media types that the request may state. The content decides, whatever it states."""
    receive: Callable[[Caller, str, AsyncIterator[bytes]], Awaitable[msgspec.Struct]]
    """Keeps a caller's file of this name and content, and returns the response; raises InvalidUpload or InvalidFile."""


def file_routes(
    files: ServiceFiles,
    purposes: Mapping[str, UploadPurpose],
    authenticate: Callable[[Request], Awaitable[Caller]],
) -> list[Route]:
    """Return the routes. Nothing is kept of an upload that is incomplete or refused."""
    uploads = 0

    async def receive(request: Request) -> Response:
        nonlocal uploads
        caller = await authenticate(request)
        purpose = purposes.get(request.path_params["purpose"])
        if purpose is None:
            return problem_response(404, "Unknown purpose", "NOT_FOUND", path=["purpose"])
        check_permission(caller, purpose.permission)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in purpose.media_types:
            expected = ", ".join(purpose.media_types)
            accept = {"Accept": expected}
            params = {"expected": expected}
            return problem_response(415, "No such type", "UNSUPPORTED_MEDIA_TYPE", accept, params=params)
        if uploads >= MAX_CONCURRENT_UPLOADS:
            return problem_response(503, "Other files come just now", "UNAVAILABLE", {"Retry-After": "10"})
        uploads += 1
        try:
            kept = await purpose.receive(caller, request.query_params.get("name", ""), request.stream())
        except _REFUSALS as error:
            return _problem(error)
        finally:
            uploads -= 1
        return Response(msgspec.json.encode(kept), 201, media_type="application/json")

    async def show(request: Request) -> Response:
        file_id = find_id(ID_PREFIX, request.path_params["id"])
        try:
            if file_id is None or files.tokens.verify(request.query_params.get("token", "")) != file_id:
                raise InvalidDownloadToken
            found = await files.storage.open(file_id)
        except _REFUSALS as error:
            return _problem(error)
        headers = {
            "Content-Type": found.row.media_type.value,
            "Content-Length": str(found.row.size),
            "Content-Disposition": attachment(found.row.name),
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
        return StreamingResponse(found.chunks, headers=headers)

    return [
        Route("/files/{purpose}", instrumented("receiveFile", receive), methods=["POST"]),
        Route("/files/{id}", instrumented("showFile", show), methods=["GET"]),
    ]


def _problem(error: Exception) -> Response:  # noqa: PLR0911 - one line a kind of failure
    """Return the response to a refused upload or download."""
    match error:
        case ClientDisconnect():
            return problem_response(400, "The file broke off", "BROKEN_OFF")
        case InvalidFile():
            params = {"reason": error.reason, **error.params}
            return problem_response(422, "Not such a file", "WRONG_FILE", params=params)
        case InvalidUpload(field="name"):
            params = {"reason": error.problem.value, **error.params}
            return problem_response(400, "Malformed input", "MALFORMED", path=["name"], params=params)
        case InvalidUpload(problem=UploadProblem.TOO_LARGE):
            return problem_response(413, "Too large", "TOO_LARGE", params=error.params)
        case InvalidUpload():
            params = {"reason": error.problem.value, **error.params}
            return problem_response(422, "Not such a file", "WRONG_FILE", params=params)
        case InvalidDownloadToken():
            return problem_response(403, "No valid link", "INVALID_LINK")
        case UnknownFile() | FileMissing():
            return problem_response(404, "No such file", "NOT_FOUND", path=["id"])
    _log.error("store unavailable", reason=str(error))
    return problem_response(503, "The store does not answer", "UNAVAILABLE", {"Retry-After": "10"})
