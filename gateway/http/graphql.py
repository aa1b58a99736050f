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

from gateway.admission import Admission, Admitted
from gateway.context import Asker, Context, Foundation, asker
from gateway.errors import Refused, RefusedOperation, answer_of, refusal, shown
from gateway.execution.operation_log import log_operation
from gateway.http import parameters
from gateway.http.body import TooLarge, whole
from gateway.http.conditional import FOR_NOBODY, cached_fields, etag_of, is_at_hand
from gateway.http.fields import fields_of
from gateway.http.negotiation import GRAPHQL, JSON, JSON_EXPECTED, answers_as, is_json, wants_page
from gateway.http.origins import Origins
from gateway.http.page import Page
from gateway.http.sockets import DEADLINE_S, GraphQLSockets
from gateway.rate.policy import Spent
from gateway.room import Room
from gateway.schema.build import KiertoSchema
from services.access.language import language_of
from services.chassis import deadline, known_heads, tracing
from services.chassis.problems import Unauthenticated
from services.contracts.identity import Language

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

_SUBSCRIPTION = OperationType.SUBSCRIPTION

_write = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True):
    """An answer over HTTP. ``whole``: an operation was executed, and nothing went wrong."""

    status: int
    headers: list[Header]
    body: bytes
    whole: bool = False


class Asking(msgspec.Struct, frozen=True):
    """What the head of a request says: who asks, the media type to answer with, and ``told``: what is always said."""

    asker: Asker
    media: bytes
    told: list[Header]


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
        headers = fields_of(scope)
        trace = tracing.begin(headers.get(_TRACE_PARENT, b"").decode("latin-1")).encode()
        try:
            answer = await self._answer(scope, headers, receive)
        except ClientDisconnect:
            return
        except Exception as error:
            media = answers_as(headers.get(b"accept", b"")) or JSON
            answer = _told(refusal(error, _CHALLENGE), media, self._language(scope, headers))
        if answer.status not in _WITHOUT_CONTENT:
            answer.headers.append((b"content-length", b"%d" % len(answer.body)))
        answer.headers.append((b"x-trace-id", trace))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    def meaning(self, scope: Scope) -> Asking | None:
        """What a POST's head says, of somebody who signed in and is known; see ``KnownHeads``."""
        headers = fields_of(scope)
        if scope["method"] != "POST" or _TRACE_PARENT in headers:
            return None
        try:
            media = self._posted(headers)
        except Refused:
            return None
        asker = self._askers.get(self._said(scope, headers))
        return None if asker is None else Asking(asker, media, self._origins.told(headers))

    async def answer(self, meaning: Asking, body: bytes) -> known_heads.Answer:
        """The answer to a POST with such a head."""
        deadline.begin(DEADLINE_S)
        trace = tracing.begin(None).encode()
        asker, media = meaning.asker, meaning.media
        try:
            if len(body) > MAX_BODY:
                raise TooLarge(MAX_BODY)
            if asker.caller is not None and self.foundation.access.ended(asker.caller):
                raise Unauthenticated
            admitted, spent = await self._admitted(body, asker)
            answer = await self._executed(admitted, spent, asker, media)
        except Exception as error:
            answer = _told(refusal(error, _CHALLENGE), media, asker.language)
        answer.headers.append((b"x-trace-id", trace))
        answer.headers.extend(meaning.told)
        return known_heads.Answer(answer.status, answer.headers, answer.body)

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        method, accept = scope["method"], headers.get(b"accept", b"")
        if method == "POST":
            media = self._posted(headers)
            body = await whole(receive, MAX_BODY)
            asker = await self._asker(scope, headers, len(body))
            admitted, spent = await self._admitted(body, asker)
            return await self._executed(admitted, spent, asker, media)
        if method in ("GET", "HEAD"):
            if wants_page(accept) and b"query=" not in scope["query_string"]:
                return self._shown_page()
            self._origins.check(headers)
            media, address = _media(accept), scope["query_string"]
            asker = await self._asker(scope, headers, len(address))
            self._admission.charge(asker, len(address))
            admitted, spent = await self._admission.admit(parameters.of_address(address), asker, len(address))
            if admitted.kind is OperationType.MUTATION:
                raise Refused(405, "METHOD_NOT_ALLOWED", {"Allow": "POST"})
            answer = await self._executed(admitted, spent, asker, media)
            return _revalidated(answer, media, headers, signed_in=asker.caller is not None)
        if method == "OPTIONS":
            return Answer(204, [(b"allow", _METHODS["Allow"].encode())], b"")
        raise Refused(405, "METHOD_NOT_ALLOWED", _METHODS)

    def _posted(self, headers: Headers) -> bytes:
        """The media type to answer a POST with; Refused if such a one can't ask for anything."""
        self._origins.check(headers)
        media = _media(headers.get(b"accept", b""))
        if not is_json(headers.get(b"content-type", b"")) or b"content-encoding" in headers:
            raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", {"Accept-Post": "application/json"}, expected=JSON_EXPECTED)
        return media

    async def _admitted(self, body: bytes, asker: Asker) -> tuple[Admitted, Spent]:
        again = self._admission.admit_again(body, asker)
        if again is not None:
            return again
        self._admission.charge(asker, len(body))
        return await self._admission.admit(parameters.of_body(body), asker, len(body), body)

    async def _executed(self, admitted: Admitted, spent: Spent, asker: Asker, media: bytes) -> Answer:
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
        return Answer(200, told, written, whole=not result.errors)

    async def _asker(self, scope: Scope, headers: Headers, size: int) -> Asker:
        """Who asks. Who signed in is remembered by what they said of themselves, as long as they have access.

        A request of ``size`` bytes whose token is not valid is charged to its address: to verify it takes as long.
        """
        access = self.foundation.access
        authorization, accepted, address = said = self._said(scope, headers)
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

    def _language(self, scope: Scope, headers: Headers) -> Language:
        """The language of a refusal: who signed in is known by now, unless it is that which is refused."""
        _, accepted, _ = said = self._said(scope, headers)
        known = self._askers.get(said)
        return language_of(_text(accepted)) if known is None else known.language

    def _said(self, scope: Scope, headers: Headers) -> tuple[bytes, bytes, str]:
        """What a request says of who asks: with which right, in which language, from where."""
        address = self.foundation.proxies.client_address(scope)
        return headers.get(b"authorization", b""), headers.get(b"accept-language", b""), address

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


def _told(refused: Refused, media: bytes, language: Language) -> Answer:
    """An answer in GraphQL's form to a request that was not executed."""
    status = 200 if isinstance(refused, RefusedOperation) and media == JSON else refused.status
    fields = [_CONTENT_TYPE[media], (b"cache-control", FOR_NOBODY), *_fields(refused.headers.items())]
    return Answer(status, fields, answer_of(refused.shown(language)))


def _fields(headers: Iterable[tuple[str, str]]) -> list[Header]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _text(field: bytes) -> str:
    return field.decode("latin-1")
