"""The import resource: a file goes on to the service that takes in its kind, as it comes, never whole in memory."""

from collections.abc import AsyncIterator

import aiohttp
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.context import Context, Foundation
from gateway.http.bearer import caller_of
from gateway.schema.imports.owners import OWNERS
from services.chassis import tracing
from services.chassis.problems import Forbidden, Unauthenticated, respond
from services.chassis.rpc.server import guarded
from services.contracts.identity import SubjectKind

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)


class _BrokenOff(Exception):
    """The client went away in the middle of its file."""


def import_route(foundation: Foundation, session: aiohttp.ClientSession) -> Route:
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
        url = f"{foundation.services[service].url}/imports/{kind}"
        headers = {
            **Context(foundation, request, caller).headers,
            tracing.HEADER: tracing.traceparent(),
            "Content-Type": request.headers.get("content-type", "text/csv"),
        }
        query = {"name": request.query_params.get("name", kind)}
        try:
            async with session.post(url, params=query, data=_body(request), headers=headers, timeout=TIMEOUT) as answer:
                return Response(await answer.read(), answer.status, media_type=answer.content_type)
        except _BrokenOff:
            return respond(400, "The file broke off", "BROKEN_OFF")
        except TimeoutError:
            return respond(504, "No answer in time", "UNAVAILABLE")
        except aiohttp.ClientError:
            return respond(503, "Unavailable", "UNAVAILABLE", {"Retry-After": "1"})

    return Route("/imports/{kind}", guarded("forwardImport", stage), methods=["POST"])


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect:
        raise _BrokenOff from None
