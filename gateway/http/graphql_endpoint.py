"""The endpoint of GraphQL over HTTP (the specification of that name, 2025); it forwards WebSockets to theirs.

A request's checks, in this order: its method, its origin, the accepted media types, its size, its requester, its
parameters. Then ``gateway.admission`` admits it, and the engine executes it. Errors are in GraphQL's form.
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

from gateway.admission import OPERATION_TIMEOUT_S, Admission, PreparedOperation
from gateway.concurrency_limit import ConcurrencyLimit
from gateway.context import Context, GatewayDependencies, Requester, build_requester
from gateway.errors import OperationError, RequestError, encode_errors, present_error, to_request_error
from gateway.execution.strawberry.operation_log import log_operation
from gateway.http import parameters
from gateway.http.body import TooLarge, read_body
from gateway.http.conditional_requests import CACHE_NO_STORE, cache_fields, etag_of, is_not_modified
from gateway.http.content_coding import apply_coding
from gateway.http.negotiation import GRAPHQL, JSON, JSON_EXPECTED, accepts_html, is_json, negotiate
from gateway.http.origins import AllowedOrigins
from gateway.http.playground import PlaygroundPage
from gateway.http.websocket.endpoint import WebSocketEndpoint
from gateway.rate_limit.policy import RateLimitStatus
from gateway.request_spans import operation_span, record_errors, record_response, request_span
from gateway.schema.builder import KiertoSchema
from services.access.language import language_of
from services.chassis.http.server import endpoint as server
from services.chassis.http.server.endpoint import EndpointRequest, EndpointResponse, HeaderField
from services.chassis.problems import Unauthenticated
from services.chassis.runtime import deadline
from services.chassis.telemetry import tracing
from services.contracts.identity.people import Language

MAX_BODY = 1_000_000
_MAX_REQUESTERS = 5_000
_MAX_REQUESTER_KEY = 4000
"""Bytes of the longest cached key."""

BodyReader = Callable[[], Awaitable[bytes]]

_TRACE_PARENT = tracing.HEADER.encode()
_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # RFC 6750, section 3
_WITHOUT_CONTENT = (204, 304)
_ALLOW = {"Allow": "GET, HEAD, POST, OPTIONS"}
_CONTENT_TYPES = {kind: (b"content-type", kind + b"; charset=utf-8") for kind in (JSON, GRAPHQL)}

_SUBSCRIPTION = OperationType.SUBSCRIPTION

_encode = msgspec.json.Encoder().encode


class GraphQLEndpoint:
    """The endpoint at ``/graphql``. ``page`` is the playground, if it is served."""

    def __init__(
        self,
        dependencies: GatewayDependencies,
        schema: KiertoSchema,
        admission: Admission,
        concurrency_limit: ConcurrencyLimit,
        origins: AllowedOrigins,
        sockets: WebSocketEndpoint,
        page: PlaygroundPage | None,
    ) -> None:
        self.dependencies = dependencies
        self._schema = schema
        self._admission = admission
        self._concurrency_limit = concurrency_limit
        self._origins = origins
        self.sockets = sockets
        self._page = page
        self._requesters: OrderedDict[tuple[bytes, bytes, str], Requester] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.sockets(scope, receive, send)
            return
        request = server.request_from_scope(scope)
        try:
            status, fields, body = await self.answer(request, partial(read_body, receive, MAX_BODY))
        except ClientDisconnect:
            return
        if status not in _WITHOUT_CONTENT:
            fields.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})

    async def answer(self, request: EndpointRequest, body: bytes | BodyReader) -> EndpointResponse:
        """Answer a request whose body is complete or still to be read.

        Raises nothing but ClientDisconnect, if a body that is read is incomplete.
        """
        deadline.begin(OPERATION_TIMEOUT_S)
        parent = _decode_field(request.fields.get(_TRACE_PARENT, b""))
        trace = tracing.begin(parent).encode()
        with request_span(request.method, parent) as span:
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
            record_response(span, answer.status)
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
        content = body if isinstance(body, bytes) else await body()
        if len(content) > MAX_BODY:
            raise TooLarge(MAX_BODY)
        requester = await self._identify(request, len(content))
        self._admission.charge(requester, len(content))
        prepared, spent = await self._admission.admit(parameters.parse_body(content), requester, len(content))
        extensions = _cost_extensions(prepared, spent)
        answer, _ = await self._execute(prepared, spent, requester, media, extensions)
        return _encoded_answer(answer, prepared, fields)

    async def _handle_other(self, request: EndpointRequest) -> EndpointResponse:
        """Answer a request of any method but POST."""
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
        requester = await self._identify(request, len(query))
        self._admission.charge(requester, len(query))
        prepared, spent = await self._admission.admit(parameters.parse_query_string(query), requester, len(query))
        if prepared.operation_type is OperationType.MUTATION:
            raise RequestError(405, "METHOD_NOT_ALLOWED", {"Allow": "POST"})
        answer, succeeded = await self._execute(prepared, spent, requester, media)
        answer = _encoded_answer(answer, prepared, fields)
        if not succeeded:
            answer.fields.append((b"cache-control", CACHE_NO_STORE))
            return answer
        return _conditional_answer(answer, media, fields, signed_in=requester.caller is not None)

    async def _execute(
        self,
        prepared: PreparedOperation,
        spent: RateLimitStatus,
        requester: Requester,
        media: bytes,
        extensions: Mapping[str, Any] | None = None,
    ) -> tuple[EndpointResponse, bool]:
        """Execute an operation; the flag says that its result has no errors."""
        if prepared.operation_type is _SUBSCRIPTION:
            raise OperationError(400, "SOCKET_NEEDED")
        waiting = self._concurrency_limit.acquire(prepared.cost)
        if waiting is not None:
            await waiting
        try:
            began = time.perf_counter()
            request, context = prepared.request, Context(self.dependencies, requester)
            with operation_span(prepared) as span:
                result = await self._schema.engine.execute_prepared(
                    prepared.document_operation,
                    prepared.variable_values,
                    request.variables,
                    context,
                    request.extensions,
                )
                record_errors(span, len(result.errors or ()))
            response: dict[str, Any] = {"data": result.data}
            if result.errors:
                self._schema.process_errors(result.errors)
                response["errors"] = [present_error(error, requester.language).formatted for error in result.errors]
            if extensions is not None:
                response["extensions"] = extensions
            body = _encode(response)
            log_operation(request.operation_name or "", time.perf_counter() - began, failed=bool(result.errors))
        finally:
            self._concurrency_limit.release()
        fields = [_CONTENT_TYPES[media], *spent.fields()]
        if context.retry_after_s:
            fields.append((b"retry-after", b"%d" % context.retry_after_s))
        return EndpointResponse(200, fields, body), not result.errors

    async def _identify(self, request: EndpointRequest, size: int) -> Requester:
        """Return the requester of a request. Callers are cached, while they have access.

        A request with an invalid token is charged, with its ``size`` in bytes, to its address: the verification of the
        token takes as long.
        """
        authenticator = self.dependencies.authenticator
        authorization, accept_language, address = key = self._requester_key(request)
        cached = self._requesters.get(key)
        if cached is not None and cached.caller is not None and not authenticator.access_ended(cached.caller):
            return cached
        language = _decode_field(accept_language)
        try:
            caller = await authenticator.authenticate(_decode_field(authorization))
        except Unauthenticated:
            self._admission.charge(build_requester(self.dependencies, None, language, address), size)
            raise
        requester = build_requester(self.dependencies, caller, language, address)
        if caller is not None and sum(map(len, key)) <= _MAX_REQUESTER_KEY:
            self._requesters[key] = requester
            if len(self._requesters) > _MAX_REQUESTERS:
                self._requesters.popitem(last=False)
        return requester

    def _language(self, request: EndpointRequest) -> Language:
        """Return the language of an error: the cached caller's, if authentication succeeded."""
        _, accept_language, _ = key = self._requester_key(request)
        cached = self._requesters.get(key)
        return language_of(_decode_field(accept_language)) if cached is None else cached.language

    def _requester_key(self, request: EndpointRequest) -> tuple[bytes, bytes, str]:
        """Return what determines a requester: ``Authorization``, ``Accept-Language`` and the address."""
        address = self.dependencies.trusted_proxies.client_address(request.headers, request.peer)
        return request.fields.get(b"authorization", b""), request.fields.get(b"accept-language", b""), address

    def _page_answer(self) -> EndpointResponse:
        if self._page is None:
            raise RequestError(404, "NOT_FOUND")
        return EndpointResponse(200, list(self._page.headers), self._page.body)


def _cost_extensions(prepared: PreparedOperation, spent: RateLimitStatus) -> Mapping[str, Any] | None:
    """Return the response's extensions if the request has ``extensions: {cost: true}``, else None."""
    extensions = prepared.request.extensions
    if extensions is None or extensions.get("cost") in (None, False):
        return None
    if extensions["cost"] is not True:
        raise RequestError(400, "INVALID_REQUEST", expected="a boolean", path=["extensions", "cost"])
    return {
        "cost": {
            "requested": prepared.cost,
            "actual": prepared.charged,
            "available": spent.remaining,
            "restoreRate": spent.headers.restore_rate,
        }
    }


def _negotiate(accept: bytes) -> bytes:
    media = negotiate(accept)
    if media is None:
        raise RequestError(406, "NOT_ACCEPTABLE", accepted=[GRAPHQL.decode(), JSON.decode()])
    return media


def _encoded_answer(
    answer: EndpointResponse, prepared: PreparedOperation, request_fields: Mapping[bytes, bytes]
) -> EndpointResponse:
    """Return an answer that shows the schema in an accepted content coding, and any other as it is."""
    if not prepared.document_operation.operation.only_introspects:
        return answer
    return apply_coding(answer, request_fields.get(b"accept-encoding", b""))


def _conditional_answer(
    answer: EndpointResponse, media: bytes, request_fields: Mapping[bytes, bytes], *, signed_in: bool
) -> EndpointResponse:
    """Add the caching fields to the answer to a GET, or return 304 if ``If-None-Match`` matches."""
    etag = etag_of(answer.body, media)
    fields = cache_fields(etag, signed_in=signed_in)
    if is_not_modified(request_fields.get(b"if-none-match", b""), etag):
        return EndpointResponse(304, [*(one for one in answer.fields if one[0] == b"vary"), *fields], b"")
    return EndpointResponse(200, [*answer.fields, *fields], answer.body)


def _error_answer(error: RequestError, media: bytes, language: Language) -> EndpointResponse:
    """Build the answer to a request that is not executed."""
    status = 200 if isinstance(error, OperationError) and media == JSON else error.status
    fields = [_CONTENT_TYPES[media], (b"cache-control", CACHE_NO_STORE), *_encode_fields(error.headers.items())]
    return EndpointResponse(status, fields, encode_errors(error.formatted_errors(language)))


def _encode_fields(headers: Iterable[tuple[str, str]]) -> list[HeaderField]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _decode_field(field: bytes) -> str:
    return field.decode("latin-1")
