"""GraphQL over HTTP (the specification of that name, 2025), from bytes to plan to bytes; sockets are passed on.

A request is looked at in this order: its method, whose page asks, what it takes, its size, who asks, what it says.
Then ``gateway.admission`` decides, and the engine executes. Whatever is refused is answered in GraphQL's form.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import msgspec
from graphql import OperationType
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from gateway.admission import Admission, Admitted, Request
from gateway.context import Asker, Context, Foundation, asker
from gateway.errors import UNEXPECTED, Refused, RefusedOperation, Shown, answer_of, shown
from gateway.execution.operation_log import log_operation
from gateway.http import parameters
from gateway.http.body import whole
from gateway.http.conditional import FOR_NOBODY, cached_fields, etag_of, is_at_hand
from gateway.http.negotiation import GRAPHQL, JSON, answers_as, is_json, wants_page
from gateway.http.origins import Origins
from gateway.http.page import Page
from gateway.http.sockets import DEADLINE_S, GraphQLSockets
from gateway.room import Room
from gateway.schema.build import KiertoSchema
from services.access.authentication import language_of
from services.chassis import deadline, tracing
from services.chassis.logging import logger
from services.chassis.problems import NotReadyYet, Unauthenticated

_log = logger(__name__)

MAX_BODY = 1_000_000
_MOST_ASKERS = 2000
_LONGEST_SAID = 4000
"""Bytes of the headers that an asker is remembered by."""

Header = tuple[bytes, bytes]
Headers = dict[bytes, bytes]

_TRACE_PARENT = tracing.HEADER.encode()
_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # RFC 6750, section 3
_WITHOUT_CONTENT = (204, 304)
_METHODS = {"Allow": "GET, HEAD, POST, OPTIONS"}
_CONTENT_TYPE = {kind: (b"content-type", kind + b"; charset=utf-8") for kind in (JSON, GRAPHQL)}

_write = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True):
    """An answer over HTTP. ``whole``: an operation was executed, and nothing went wrong."""

    status: int
    headers: list[Header]
    body: bytes
    whole: bool = False


class GraphQLEndpoint:
    """The endpoint at ``/graphql``. ``page``: what a browser is shown to try things on, if anything."""

    def __init__(
        self,
        foundation: Foundation,
        schema: KiertoSchema,
        admission: Admission,
        room: Room,
        origins: Origins,
        sockets: GraphQLSockets,
        page: Page | None,
    ) -> None:
        self.foundation = foundation
        self._schema = schema
        self._admission = admission
        self._room = room
        self._origins = origins
        self.sockets = sockets
        self._page = page
        self._askers: OrderedDict[tuple[bytes, bytes, str], Asker] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.sockets(scope, receive, send)
            return
        deadline.begin(DEADLINE_S)
        # The other way round, so that of a header that comes twice the first counts.
        headers: Headers = dict(reversed(scope["headers"]))
        trace = tracing.begin(headers.get(_TRACE_PARENT, b"").decode("latin-1")).encode()
        try:
            answer = await self._answer(scope, headers, receive)
        except ClientDisconnect:
            return
        except Refused as refused:
            answer = _refusal(refused, headers)
        except Unauthenticated:
            answer = _refusal(Refused(401, "UNAUTHENTICATED", _CHALLENGE), headers)
        except NotReadyYet:
            answer = _refusal(Refused(503, "NOT_READY_YET", {"Retry-After": "1"}), headers)
        except Exception:
            _log.exception("unexpected")
            answer = _refusal(Refused(500, UNEXPECTED, traceId=tracing.trace_id() or ""), headers)
        if answer.status not in _WITHOUT_CONTENT:
            answer.headers.append((b"content-length", b"%d" % len(answer.body)))
        answer.headers.append((b"x-trace-id", trace))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        method, accept = scope["method"], headers.get(b"accept", b"")
        if method == "POST":
            self._origins.check(headers)
            media = _media(accept)
            if not is_json(headers.get(b"content-type", b"")) or b"content-encoding" in headers:
                raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", {"Accept-Post": "application/json"})
            body = await whole(receive, MAX_BODY)
            request, size = parameters.of_body(body), len(body)
        elif method in ("GET", "HEAD"):
            if wants_page(accept) and b"query=" not in scope["query_string"]:
                return self._shown_page()
            self._origins.check(headers)
            media = _media(accept)
            request, size = parameters.of_address(scope["query_string"]), len(scope["query_string"])
        elif method == "OPTIONS":
            return Answer(204, [(b"allow", _METHODS["Allow"].encode())], b"")
        else:
            raise Refused(405, "METHOD_NOT_ALLOWED", _METHODS)
        asker = await self._asker(scope, headers)
        admitted = await self._admission.admit(request, asker, size)
        if admitted.kind is OperationType.SUBSCRIPTION:
            raise RefusedOperation(400, "SOCKET_NEEDED")
        if admitted.kind is OperationType.MUTATION and method != "POST":
            raise Refused(405, "METHOD_NOT_ALLOWED", {"Allow": "POST"})
        waiting = self._room.enter(admitted.cost)
        if waiting is not None:
            await waiting
        try:
            answer = await self._executed(admitted, request, asker, media)
        finally:
            self._room.leave()
        return answer if method == "POST" else _revalidated(answer, media, headers, signed_in=asker.caller is not None)

    async def _executed(self, admitted: Admitted, request: Request, asker: Asker, media: bytes) -> Answer:
        began = time.perf_counter()
        context = Context(self.foundation, asker)
        result = await self._schema.engine.execute_known(
            admitted.known, admitted.values, request.variables, context, request.extensions
        )
        answered: dict[str, Any] = {"data": result.data}
        if result.errors:
            self._schema.process_errors(result.errors)
            answered["errors"] = [shown(error, asker.language).formatted for error in result.errors]
        written = _write(answered)
        log_operation(request.operation_name or "", time.perf_counter() - began, failed=bool(result.errors))
        return Answer(200, [_CONTENT_TYPE[media], *admitted.spent.fields()], written, whole=not result.errors)

    async def _asker(self, scope: Scope, headers: Headers) -> Asker:
        """Who asks. Who signed in is remembered by what they said of themselves, as long as they have access."""
        access, authorization = self.foundation.access, headers.get(b"authorization", b"")
        accepted = headers.get(b"accept-language", b"")
        address = self.foundation.proxies.address(_text(headers.get(b"x-forwarded-for", b"")), scope["client"])
        said = authorization, accepted, address
        known = self._askers.get(said)
        if known is not None and known.caller is not None and not access.ended(known.caller):
            return known
        caller = await access.caller_with(_text(authorization))
        found = asker(self.foundation, caller, language_of(_text(accepted)), address)
        if caller is not None and sum(map(len, said)) <= _LONGEST_SAID:
            self._askers[said] = found
            if len(self._askers) > _MOST_ASKERS:
                self._askers.popitem(last=False)
        return found

    def _shown_page(self) -> Answer:
        if self._page is None:
            raise Refused(404, "NOT_FOUND")
        return Answer(200, list(self._page.headers), self._page.body)


def _media(accept: bytes) -> bytes:
    media = answers_as(accept)
    if media is None:
        raise Refused(406, "NOT_ACCEPTABLE", accepted=[GRAPHQL.decode(), JSON.decode()])
    return media


def _revalidated(answer: Answer, media: bytes, headers: Headers, *, signed_in: bool) -> Answer:
    """The answer to a GET, with what caches need to know; without its content where the client has it already."""
    if not answer.whole:
        answer.headers.append((b"cache-control", FOR_NOBODY))
        return answer
    etag = etag_of(answer.body, media)
    fields = cached_fields(etag, signed_in=signed_in)
    if is_at_hand(headers.get(b"if-none-match", b""), etag):
        return Answer(304, fields, b"")
    return Answer(200, [*answer.headers, *fields], answer.body)


def _refusal(refused: Refused, headers: Headers) -> Answer:
    """An answer in GraphQL's form to a request that was not executed."""
    refused.note()
    media = answers_as(headers.get(b"accept", b"")) or JSON
    status = 200 if isinstance(refused, RefusedOperation) and media == JSON else refused.status
    errors: list[Shown] = refused.shown(language_of(_text(headers.get(b"accept-language", b""))))
    fields = [_CONTENT_TYPE[media], (b"cache-control", FOR_NOBODY), *_fields(refused.headers.items())]
    return Answer(status, fields, answer_of(errors))


def _fields(headers: Iterable[tuple[str, str]]) -> list[Header]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _text(field: bytes) -> str:
    return field.decode("latin-1")
