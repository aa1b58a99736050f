"""The schema, as a file: SDL for people and code generators, the answer to introspection for tools that want that."""

import asyncio
import functools
from collections.abc import Callable

import msgspec
from graphql import introspection_from_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.authentication import AuthenticatedCaller
from gateway.errors import RequestError
from gateway.http.conditional_requests import etag_of, is_not_modified
from gateway.http.request_guard import RequestGuard
from gateway.http.resource import ResourceHandler, resource
from gateway.schema.builder import KiertoSchema
from services.chassis.problems import Unauthenticated

_SDL = "text/plain; charset=utf-8"  # no media type is registered for it
_JSON = "application/json"
_COST = 100


class _SchemaFile(msgspec.Struct, frozen=True):
    """A file as it is sent."""

    body: bytes
    media_type: str
    headers: dict[str, str]

    @classmethod
    def named(cls, name: str, body: bytes, media_type: str) -> "_SchemaFile":
        headers = {
            "ETag": etag_of(body, media_type.encode()).decode(),
            "Cache-Control": "private, no-cache",  # kept by who may have it, and asked about before each use
            "Vary": "Authorization",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        return cls(body, media_type, headers)


def schema_routes(
    entrance: RequestGuard, schema: KiertoSchema, may_introspect: Callable[[AuthenticatedCaller | None], bool]
) -> list[Route]:
    """``GET /schema.graphql`` and ``GET /schema.json``, for those who may ask for the schema by a query, too."""

    @functools.cache
    def sdl() -> _SchemaFile:
        return _SchemaFile.named("kierto.graphql", f"{schema.as_str()}\n".encode(), _SDL)

    @functools.cache
    def introspection() -> _SchemaFile:
        answer = {"data": introspection_from_schema(schema._schema)}
        return _SchemaFile.named("kierto.json", msgspec.json.encode(answer), _JSON)

    def download(file: Callable[[], _SchemaFile]) -> ResourceHandler:
        async def download_schema(request: Request) -> Response:
            caller = (await entrance.authenticate(request, _COST)).caller
            if not may_introspect(caller):
                if caller is None:
                    raise Unauthenticated
                raise RequestError(403, "INTROSPECTION_FORBIDDEN")
            found = await asyncio.to_thread(file)  # the first time it takes as long as thousands of requests
            known = request.headers.get("if-none-match", "").encode("latin-1")
            if is_not_modified(known, found.headers["ETag"].encode()):
                kept = {name: found.headers[name] for name in ("ETag", "Cache-Control", "Vary")}
                return Response(status_code=304, headers=kept)
            return Response(found.body, headers=found.headers, media_type=found.media_type)

        return download_schema

    return [resource("/schema.graphql", GET=download(sdl)), resource("/schema.json", GET=download(introspection))]
