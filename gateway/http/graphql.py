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

from gateway.admission import Admission, Admitted
from gateway.context import Asker, Context, Foundation, asker
from gateway.errors import Refused, RefusedOperation, answer_of, refusal, shown
from gateway.execution.operation_log import log_operation
from gateway.http import parameters
from gateway.http.body import TooLarge, whole
from gateway.http.conditional import FOR_NOBODY, cached_fields, etag_of, is_at_hand
from gateway.http.negotiation import GRAPHQL, JSON, JSON_EXPECTED, answers_as, is_json, wants_page
from gateway.http.origins import Origins
from gateway.http.page import Page
from gateway.http.sockets import DEADLINE_S, GraphQLSockets
from gateway.rate.policy import Spent
from gateway.room import Room
from gateway.schema.build import KiertoSchema
from services.access.language import language_of
from services.chassis import deadline, direct, tracing
from services.chassis.direct import Answer, Field, Request
from services.chassis.problems import Unauthenticated
from services.contracts.identity import Language

MAX_BODY = 1_000_000
_MOST_ASKERS = 5_000
_LONGEST_SAID = 4000
"""Bytes of the headers that an asker is remembered by."""

Read = Callable[[], Awaitable[bytes]]
"""Reads a body."""

_TRACE_PARENT = tracing.HEADER.encode()
_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # RFC 6750, section 3
_WITHOUT_CONTENT = (204, 304)
_METHODS = {"Allow": "GET, HEAD, POST, OPTIONS"}
_CONTENT_TYPE = {kind: (b"content-type", kind + b"; charset=utf-8") for kind in (JSON, GRAPHQL)}

_SUBSCRIPTION = OperationType.SUBSCRIPTION

_write = msgspec.json.Encoder().encode


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
        request = direct.request_of(scope)
        try:
            status, fields, body = await self.answer(request, partial(whole, receive, MAX_BODY))
        except ClientDisconnect:
            return
        if status not in _WITHOUT_CONTENT:
            fields.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})

    async def answer(self, request: Request, body: bytes | Read) -> Answer:
        """Return the answer to a request whose body is there (see ``direct``), or is to be read.

        It never fails, but with ClientDisconnect where a body that is to be read does not come whole.
        """
        deadline.begin(DEADLINE_S)
        trace = tracing.begin(request.fields.get(_TRACE_PARENT, b"").decode("latin-1")).encode()
        try:
            if request.method == "POST":
                answer = await self._posted(request, body)
            else:
                answer = await self._got(request)
        except ClientDisconnect:
            raise
        except Exception as error:
            media = answers_as(request.fields.get(b"accept", b"")) or JSON
            answer = _told(refusal(error, _CHALLENGE), media, self._language(request))
        answer.fields.append((b"x-trace-id", trace))
        answer.fields.extend(self._origins.told(request.fields))
        return answer

    async def _posted(self, request: Request, body: bytes | Read) -> Answer:
        fields = request.fields
        self._origins.check(fields)
        media = _media(fields.get(b"accept", b""))
        if not is_json(fields.get(b"content-type", b"")) or b"content-encoding" in fields:
            raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", {"Accept-Post": "application/json"}, expected=JSON_EXPECTED)
        sent = body if isinstance(body, bytes) else await body()
        if len(sent) > MAX_BODY:
            raise TooLarge(MAX_BODY)
        asker = await self._asker(request, len(sent))
        self._admission.charge(asker, len(sent))
        admitted, spent = await self._admission.admit(parameters.of_body(sent), asker, len(sent))
        answer, _ = await self._executed(admitted, spent, asker, media)
        return answer

    async def _got(self, request: Request) -> Answer:
        """The answer to all but a POST."""
        method, fields, query = request.method, request.fields, request.query
        if method == "OPTIONS":
            return Answer(204, [(b"allow", _METHODS["Allow"].encode())], b"")
        if method not in ("GET", "HEAD"):
            raise Refused(405, "METHOD_NOT_ALLOWED", _METHODS)
        accept = fields.get(b"accept", b"")
        if wants_page(accept) and b"query=" not in query:
            return self._shown_page()
        self._origins.check(fields)
        media = _media(accept)
        asker = await self._asker(request, len(query))
        self._admission.charge(asker, len(query))
        admitted, spent = await self._admission.admit(parameters.of_address(query), asker, len(query))
        if admitted.kind is OperationType.MUTATION:
            raise Refused(405, "METHOD_NOT_ALLOWED", {"Allow": "POST"})
        answer, flawless = await self._executed(admitted, spent, asker, media)
        if not flawless:
            answer.fields.append((b"cache-control", FOR_NOBODY))
            return answer
        return _revalidated(answer, media, fields, signed_in=asker.caller is not None)

    async def _executed(self, admitted: Admitted, spent: Spent, asker: Asker, media: bytes) -> tuple[Answer, bool]:
        """The answer to an operation, and whether nothing went wrong."""
        if admitted.kind is _SUBSCRIPTION:
            raise RefusedOperation(400, "SOCKET_NEEDED")
        waiting = self._room.enter(admitted.cost)
        if waiting is not None:
            await waiting
        try:
            began = time.perf_counter()
            request, context = admitted.request, Context(self.foundation, asker)
            result = await self._schema.engine.execute_known(
                admitted.known, admitted.values, request.variables, context, request.extensions
            )
            answered: dict[str, Any] = {"data": result.data}
            if result.errors:
                self._schema.process_errors(result.errors)
                answered["errors"] = [shown(error, asker.language).formatted for error in result.errors]
            written = _write(answered)
            log_operation(request.operation_name or "", time.perf_counter() - began, failed=bool(result.errors))
        finally:
            self._room.leave()
        told = [_CONTENT_TYPE[media], *spent.fields()]
        if context.retry_after_s:
            told.append((b"retry-after", b"%d" % context.retry_after_s))
        return Answer(200, told, written), not result.errors

    async def _asker(self, request: Request, size: int) -> Asker:
        """Who asks. Who signed in is remembered by what they said of themselves, as long as they have access.

        A request of ``size`` bytes whose token is not valid is charged to its address: to verify it takes as long.
        """
        access = self.foundation.access
        authorization, accepted, address = said = self._said(request)
        known = self._askers.get(said)
        if known is not None and known.caller is not None and not access.ended(known.caller):
            return known
        try:
            caller = await access.caller_with(_text(authorization))
        except Unauthenticated:
            self._admission.charge(asker(self.foundation, None, _text(accepted), address), size)
            raise
        found = asker(self.foundation, caller, _text(accepted), address)
        if caller is not None and sum(map(len, said)) <= _LONGEST_SAID:
            self._askers[said] = found
            if len(self._askers) > _MOST_ASKERS:
                self._askers.popitem(last=False)
        return found

    def _language(self, request: Request) -> Language:
        """The language of a refusal: who signed in is known by now, unless it is that which is refused."""
        _, accepted, _ = said = self._said(request)
        known = self._askers.get(said)
        return language_of(_text(accepted)) if known is None else known.language

    def _said(self, request: Request) -> tuple[bytes, bytes, str]:
        """What a request says of who asks: with which right, in which language, from where."""
        address = self.foundation.proxies.client_address(request.headers, request.peer)
        return request.fields.get(b"authorization", b""), request.fields.get(b"accept-language", b""), address

    def _shown_page(self) -> Answer:
        if self._page is None:
            raise Refused(404, "NOT_FOUND")
        return Answer(200, list(self._page.headers), self._page.body)


def _media(accept: bytes) -> bytes:
    media = answers_as(accept)
    if media is None:
        raise Refused(406, "NOT_ACCEPTABLE", accepted=[GRAPHQL.decode(), JSON.decode()])
    return media


def _revalidated(answer: Answer, media: bytes, asked: Mapping[bytes, bytes], *, signed_in: bool) -> Answer:
    """The answer to a GET, with what caches need to know; without its content where the client has it already."""
    etag = etag_of(answer.body, media)
    fields = cached_fields(etag, signed_in=signed_in)
    if is_at_hand(asked.get(b"if-none-match", b""), etag):
        return Answer(304, fields, b"")
    return Answer(200, [*answer.fields, *fields], answer.body)


def _told(refused: Refused, media: bytes, language: Language) -> Answer:
    """An answer in GraphQL's form to a request that was not executed."""
    status = 200 if isinstance(refused, RefusedOperation) and media == JSON else refused.status
    fields = [_CONTENT_TYPE[media], (b"cache-control", FOR_NOBODY), *_fields(refused.headers.items())]
    return Answer(status, fields, answer_of(refused.shown(language)))


def _fields(headers: Iterable[tuple[str, str]]) -> list[Field]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _text(field: bytes) -> str:
    return field.decode("latin-1")
