"""The schema as a file: SDL for people and code generators, the introspection result for other tools."""

import asyncio
import functools
from collections.abc import Callable, Mapping

import msgspec
from graphql import introspection_from_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.authentication import AuthenticatedCaller
from gateway.errors import RequestError
from gateway.execution.compat import graphql_schema
from gateway.http import content_coding
from gateway.http.conditional_requests import etag_of, is_not_modified
from gateway.http.request_guard import RequestGuard
from gateway.http.resource import ResourceHandler, resource
from gateway.schema.builder import KiertoSchema
from services.chassis.problems import Unauthenticated

_SDL = "text/plain; charset=utf-8"  # no media type is registered for it
_JSON = "application/json"
_COST = 100


class _SchemaFile(msgspec.Struct, frozen=True):
    """A file of the schema in a content coding, with its header fields."""

    body: bytes
    media_type: str
    headers: dict[str, str]


def _encode(name: str, text: bytes, media_type: str) -> Mapping[str, _SchemaFile]:
    """Return the file in each coding, the one without coding as ``identity``."""
    files = {}
    for coding, body in {"gzip": content_coding.compress(text), "identity": text}.items():
        headers = {
            "ETag": etag_of(body, media_type.encode()).decode(),
            "Cache-Control": "private, no-cache",  # revalidated with the caller's authorization
            "Vary": f"Authorization, {content_coding.VARY}",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        if coding != "identity":
            headers["Content-Encoding"] = coding
        files[coding] = _SchemaFile(body, media_type, headers)
    return files


def schema_routes(
    guard: RequestGuard, schema: KiertoSchema, may_introspect: Callable[[AuthenticatedCaller | None], bool]
) -> list[Route]:
    """``GET /schema.graphql`` and ``GET /schema.json``, for callers who may introspect the schema."""

    @functools.cache
    def sdl() -> Mapping[str, _SchemaFile]:
        return _encode("kierto.graphql", f"{schema.as_str()}\n".encode(), _SDL)

    @functools.cache
    def introspection() -> Mapping[str, _SchemaFile]:
        result = {"data": introspection_from_schema(graphql_schema(schema))}
        return _encode("kierto.json", msgspec.json.encode(result), _JSON)

    def download(load: Callable[[], Mapping[str, _SchemaFile]]) -> ResourceHandler:
        async def download_schema(request: Request) -> Response:
            caller = (await guard.authenticate(request, _COST)).caller
            if not may_introspect(caller):
                if caller is None:
                    raise Unauthenticated
                raise RequestError(403, "INTROSPECTION_FORBIDDEN")
            files = await asyncio.to_thread(load)  # the first time it takes as long as thousands of requests
            accepted = content_coding.accepted_codings(request.headers.get("accept-encoding", ""))
            file = files["gzip" if "gzip" in accepted else "identity"]
            if_none_match = request.headers.get("if-none-match", "").encode("latin-1")
            if is_not_modified(if_none_match, file.headers["ETag"].encode()):
                headers = {name: file.headers[name] for name in ("ETag", "Cache-Control", "Vary")}
                return Response(status_code=304, headers=headers)
            return Response(file.body, headers=file.headers, media_type=file.media_type)

        return download_schema

    return [resource("/schema.graphql", GET=download(sdl)), resource("/schema.json", GET=download(introspection))]
