"""GraphQL over HTTP (the specification of that name, 2025), from bytes to plan to bytes; sockets are passed on.

A request is looked at in this order: its method, whose page asks, what it takes, its size, who asks, what it says.
Then ``gateway.admission`` decides, and the engine executes. Whatever is refused is answered in GraphQL's form.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec
from graphql import OperationType
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from gateway.admission import Admission, PreparedOperation
from gateway.concurrency_limit import ConcurrencyLimit
from gateway.context import Context, GatewayDependencies, Requester, build_requester
from gateway.errors import OperationError, RequestError, encode_errors, present_error, to_request_error
from gateway.execution.strawberry.operation_log import log_operation
from gateway.http import parameters
from gateway.http.body import TooLarge, read_body
from gateway.http.conditional_requests import CACHE_NO_STORE, cache_fields, etag_of, is_not_modified
from gateway.http.negotiation import GRAPHQL, JSON, JSON_EXPECTED, accepts_html, is_json, negotiate
from gateway.http.origins import AllowedOrigins
from gateway.http.playground import PlaygroundPage
from gateway.http.websocket.connection import OPERATION_TIMEOUT_S, WebSocketEndpoint
from gateway.rate_limit.policy import RateLimitStatus
from gateway.schema.builder import KiertoSchema
from services.access.language import language_of
from services.chassis.http.server import endpoint
from services.chassis.http.server.endpoint import EndpointRequest, EndpointResponse, HeaderField
from services.chassis.problems import Unauthenticated
from services.chassis.runtime import deadline
from services.chassis.telemetry import tracing
from services.contracts.identity import Language

MAX_BODY = 1_000_000
_MAX_REQUESTERS = 5_000
_MAX_REQUESTER_KEY = 4000
"""Bytes of the headers that an asker is remembered by."""

BodyReader = Callable[[], Awaitable[bytes]]
"""Reads a body."""

_TRACE_PARENT = tracing.HEADER.encode()
_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # RFC 6750, section 3
_WITHOUT_CONTENT = (204, 304)
_ALLOW = {"Allow": "GET, HEAD, POST, OPTIONS"}
_CONTENT_TYPES = {kind: (b"content-type", kind + b"; charset=utf-8") for kind in (JSON, GRAPHQL)}

_SUBSCRIPTION = OperationType.SUBSCRIPTION

_encode = msgspec.json.Encoder().encode


class GraphQLEndpoint:
    """The endpoint at ``/graphql``. ``page``: what a browser is shown to try things on, if anything."""

    def __init__(
        self,
        foundation: GatewayDependencies,
        schema: KiertoSchema,
        admission: Admission,
        room: ConcurrencyLimit,
        origins: AllowedOrigins,
        sockets: WebSocketEndpoint,
        page: PlaygroundPage | None,
    ) -> None:
        self.dependencies = foundation
        self._schema = schema
        self._admission = admission
        self._concurrency_limit = room
        self._origins = origins
        self.sockets = sockets
        self._page = page
        self._requesters: OrderedDict[tuple[bytes, bytes, str], Requester] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.sockets(scope, receive, send)
            return
        request = endpoint.request_from_scope(scope)
        try:
            status, fields, body = await self.answer(request, partial(read_body, receive, MAX_BODY))
        except ClientDisconnect:
            return
        if status not in _WITHOUT_CONTENT:
            fields.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})

    async def answer(self, request: EndpointRequest, body: bytes | BodyReader) -> EndpointResponse:
        """Return the answer to a request whose body is there (see ``endpoint``), or is to be read.

        It never fails, but with ClientDisconnect where a body that is to be read does not come whole.
        """
        deadline.begin(OPERATION_TIMEOUT_S)
        trace = tracing.begin(request.fields.get(_TRACE_PARENT, b"").decode("latin-1")).encode()
        try:
            if request.method == "POST":
                answer = await self._handle_post(request, body)
            else:
                answer = await self._handle_other(request)
        except ClientDisconnect:
            raise
        except Exception as error:
            media = negotiate(request.fields.get(b"accept", b"")) or JSON
            answer = _error_answer(to_request_error(error, _CHALLENGE), media, self._language(request))
        answer.fields.append((b"x-trace-id", trace))
        answer.fields.extend(self._origins.cors_fields(request.fields))
        return answer

    async def _handle_post(self, request: EndpointRequest, body: bytes | BodyReader) -> EndpointResponse:
        fields = request.fields
        self._origins.check(fields)
        media = _negotiate(fields.get(b"accept", b""))
        if not is_json(fields.get(b"content-type", b"")) or b"content-encoding" in fields:
            raise RequestError(
                415, "UNSUPPORTED_MEDIA_TYPE", {"Accept-Post": "application/json"}, expected=JSON_EXPECTED
            )
        sent = body if isinstance(body, bytes) else await body()
        if len(sent) > MAX_BODY:
            raise TooLarge(MAX_BODY)
        asker = await self._identify(request, len(sent))
        self._admission.charge(asker, len(sent))
        admitted, spent = await self._admission.admit(parameters.parse_body(sent), asker, len(sent))
        answer, _ = await self._execute(admitted, spent, asker, media)
        return answer

    async def _handle_other(self, request: EndpointRequest) -> EndpointResponse:
        """The answer to all but a POST."""
        method, fields, query = request.method, request.fields, request.query
        if method == "OPTIONS":
            return EndpointResponse(204, [(b"allow", _ALLOW["Allow"].encode())], b"")
        if method not in ("GET", "HEAD"):
            raise RequestError(405, "METHOD_NOT_ALLOWED", _ALLOW)
        accept = fields.get(b"accept", b"")
        if accepts_html(accept) and b"query=" not in query:
            return self._page_answer()
        self._origins.check(fields)
        media = _negotiate(accept)
        asker = await self._identify(request, len(query))
        self._admission.charge(asker, len(query))
        admitted, spent = await self._admission.admit(parameters.parse_query_string(query), asker, len(query))
        if admitted.kind is OperationType.MUTATION:
            raise RequestError(405, "METHOD_NOT_ALLOWED", {"Allow": "POST"})
        answer, flawless = await self._execute(admitted, spent, asker, media)
        if not flawless:
            answer.fields.append((b"cache-control", CACHE_NO_STORE))
            return answer
        return _conditional_answer(answer, media, fields, signed_in=asker.caller is not None)

    async def _execute(
        self, admitted: PreparedOperation, spent: RateLimitStatus, asker: Requester, media: bytes
    ) -> tuple[EndpointResponse, bool]:
        """The answer to an operation, and whether nothing went wrong."""
        if admitted.kind is _SUBSCRIPTION:
            raise OperationError(400, "SOCKET_NEEDED")
        waiting = self._concurrency_limit.acquire(admitted.cost)
        if waiting is not None:
            await waiting
        try:
            began = time.perf_counter()
            request, context = admitted.request, Context(self.dependencies, asker)
            result = await self._schema.engine.execute_prepared(
                admitted.document_operation, admitted.values, request.variables, context, request.extensions
            )
            answered: dict[str, Any] = {"data": result.data}
            if result.errors:
                self._schema.process_errors(result.errors)
                answered["errors"] = [present_error(error, asker.language).formatted for error in result.errors]
            written = _encode(answered)
            log_operation(request.operation_name or "", time.perf_counter() - began, failed=bool(result.errors))
        finally:
            self._concurrency_limit.release()
        told = [_CONTENT_TYPES[media], *spent.fields()]
        if context.retry_after_s:
            told.append((b"retry-after", b"%d" % context.retry_after_s))
        return EndpointResponse(200, told, written), not result.errors

    async def _identify(self, request: EndpointRequest, size: int) -> Requester:
        """Who asks. Who signed in is remembered by what they said of themselves, as long as they have access.

        A request of ``size`` bytes whose token is not valid is charged to its address: to verify it takes as long.
        """
        access = self.dependencies.authenticator
        authorization, accepted, address = said = self._requester_key(request)
        known = self._requesters.get(said)
        if known is not None and known.caller is not None and not access.access_ended(known.caller):
            return known
        try:
            caller = await access.authenticate(_decode_field(authorization))
        except Unauthenticated:
            self._admission.charge(build_requester(self.dependencies, None, _decode_field(accepted), address), size)
            raise
        found = build_requester(self.dependencies, caller, _decode_field(accepted), address)
        if caller is not None and sum(map(len, said)) <= _MAX_REQUESTER_KEY:
            self._requesters[said] = found
            if len(self._requesters) > _MAX_REQUESTERS:
                self._requesters.popitem(last=False)
        return found

    def _language(self, request: EndpointRequest) -> Language:
        """The language of a refusal: who signed in is known by now, unless it is that which is refused."""
        _, accepted, _ = said = self._requester_key(request)
        known = self._requesters.get(said)
        return language_of(_decode_field(accepted)) if known is None else known.language

    def _requester_key(self, request: EndpointRequest) -> tuple[bytes, bytes, str]:
        """What a request says of who asks: with which right, in which language, from where."""
        address = self.dependencies.trusted_proxies.client_address(request.headers, request.peer)
        return request.fields.get(b"authorization", b""), request.fields.get(b"accept-language", b""), address

    def _page_answer(self) -> EndpointResponse:
        if self._page is None:
            raise RequestError(404, "NOT_FOUND")
        return EndpointResponse(200, list(self._page.headers), self._page.body)


def _negotiate(accept: bytes) -> bytes:
    media = negotiate(accept)
    if media is None:
        raise RequestError(406, "NOT_ACCEPTABLE", accepted=[GRAPHQL.decode(), JSON.decode()])
    return media


def _conditional_answer(
    answer: EndpointResponse, media: bytes, asked: Mapping[bytes, bytes], *, signed_in: bool
) -> EndpointResponse:
    """The answer to a GET, with what caches need to know; without its content where the client has it already."""
    etag = etag_of(answer.body, media)
    fields = cache_fields(etag, signed_in=signed_in)
    if is_not_modified(asked.get(b"if-none-match", b""), etag):
        return EndpointResponse(304, fields, b"")
    return EndpointResponse(200, [*answer.fields, *fields], answer.body)


def _error_answer(refused: RequestError, media: bytes, language: Language) -> EndpointResponse:
    """An answer in GraphQL's form to a request that was not executed."""
    status = 200 if isinstance(refused, OperationError) and media == JSON else refused.status
    fields = [_CONTENT_TYPES[media], (b"cache-control", CACHE_NO_STORE), *_encode_fields(refused.headers.items())]
    return EndpointResponse(status, fields, encode_errors(refused.formatted_errors(language)))


def _encode_fields(headers: Iterable[tuple[str, str]]) -> list[HeaderField]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _decode_field(field: bytes) -> str:
    return field.decode("latin-1")
