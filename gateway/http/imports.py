"""The import resource: a file goes on to the service that takes in its kind, as it comes, never whole in memory."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.context import Foundation, asker_of
from gateway.http.bearer import caller_of
from gateway.schema.imports.owners import OWNERS
from services.chassis.http_client import request as http
from services.chassis.http_client.errors import NoAnswer, TimedOut
from services.chassis.problems import Forbidden, Unauthenticated, respond
from services.chassis.rpc.server import guarded
from services.contracts.identity import SubjectKind

PAUSE_S = 120
"""How long a file, or the answer to it, may stand still."""


class _BrokenOff(Exception):
    """The client went away in the middle of its file."""


def import_route(foundation: Foundation) -> Route:
    """``POST /imports/{kind}?name=`` with the file as its body; the service's answer comes back as it is."""

    async def stage(request: Request) -> Response:
        caller = await caller_of(request, foundation.access)
        if caller is None:
            raise Unauthenticated
        if caller.kind is not SubjectKind.STAFF:
            raise Forbidden
        kind = request.path_params["kind"]
        service = OWNERS.get(kind)
        if service is None:
            return respond(404, "Unknown kind of file", "NOT_FOUND", path=["kind"])
        path = f"/imports/{kind}?{urlencode({'name': request.query_params.get('name', kind)})}"
        headers = {
            **asker_of(request, foundation, caller).calls.headers,
            "Content-Type": request.headers.get("content-type", "text/csv"),
        }
        try:
            answer = await foundation.services[service].upload(
                path, _body(request), http.fields(headers), pause_s=PAUSE_S
            )
        except _BrokenOff:
            return respond(400, "The file broke off", "BROKEN_OFF")
        except TimedOut:
            return respond(504, "No answer in time", "UNAVAILABLE")
        except NoAnswer:
            return respond(503, "Unavailable", "UNAVAILABLE", {"Retry-After": "1"})
        content_type = answer.header(b"content-type") or b"application/octet-stream"
        return Response(answer.body, answer.status, {"Content-Type": content_type.decode("latin-1")})

    return Route("/imports/{kind}", guarded("forwardImport", stage), methods=["POST"])


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect:
        raise _BrokenOff from None
