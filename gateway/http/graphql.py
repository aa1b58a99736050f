"""GraphQL over HTTP and over WebSocket (graphql-transport-ws) at one address."""

from collections import OrderedDict
from datetime import timedelta
from typing import cast

import msgspec
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UnsetType

from gateway import messages
from gateway.context import Asker, Context, Foundation, asker, asker_of
from gateway.http.bearer import caller_of
from gateway.http.body import TooLarge, limited
from gateway.http.known_operation import answer, asked_of
from gateway.http.sockets import Socket, Sockets
from gateway.schema.build import KiertoSchema, build_schema
from services.access.authentication import address_of, language, language_of
from services.chassis import tracing
from services.chassis.problems import NotReadyYet, Unauthenticated

MAX_BODY = 1_000_000
_MOST_ASKERS = 2000
_LONGEST_SAID = 4000
"""Bytes of the headers that an asker is remembered by."""
INIT_TIMEOUT = timedelta(seconds=10)
TRACE_HEADER = b"x-trace-id"

Header = tuple[bytes, bytes]
Headers = dict[bytes, bytes]

_JSON = b"content-type", b"application/json"

_TRACE_PARENT = tracing.HEADER.encode()
_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}  # RFC 6750, section 3


class GraphQLEndpoint(GraphQL[Context, None]):
    """The endpoint. ``page``: whether a browser is shown a page to try things on."""

    graphql_transport_ws_handler_class = Socket

    def __init__(self, foundation: Foundation, sockets: Sockets, *, page: bool) -> None:
        super().__init__(
            build_schema(),
            graphql_ide="graphiql" if page else None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=INIT_TIMEOUT,
        )
        self.foundation = foundation
        self.sockets = sockets
        self._askers: OrderedDict[tuple[bytes, bytes, str], Asker] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            with tracing.trace(None):
                await super().__call__(scope, receive, send)
            return
        headers = dict(scope["headers"])
        trace = TRACE_HEADER, tracing.begin(headers.get(_TRACE_PARENT, b"").decode("latin-1")).encode()
        try:
            await self._answer(scope, headers, receive, send, trace)
        except ClientDisconnect:
            return
        except TooLarge:
            refused = _refused(scope, 413, "TOO_LARGE", limit=str(MAX_BODY))
        except Unauthenticated:
            refused = _refused(scope, 401, "UNAUTHENTICATED", _CHALLENGE)
        except NotReadyYet:
            refused = _refused(scope, 503, "NOT_READY_YET", {"Retry-After": "1"})
        else:
            return
        await refused(scope, receive, _with_header(send, trace))

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send, trace: Header) -> None:
        if not _usual(scope, headers):
            await super().__call__(scope, limited(receive, MAX_BODY), _with_header(send, trace))
            return
        messages = await _messages_of_body(limited(receive, MAX_BODY))
        schema = cast(KiertoSchema, self.schema)
        asked = asked_of(schema, b"".join([one.get("body", b"") for one in messages]))
        if asked is None:
            await super().__call__(scope, _again(messages, receive), _with_header(send, trace))
            return
        written = await answer(schema, asked, Context(self.foundation, await self._asker(scope, headers)))
        fields = [_JSON, (b"content-length", b"%d" % len(written)), trace]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": written})

    async def _asker(self, scope: Scope, headers: Headers) -> Asker:
        """Who asks. Who signed in is remembered by what they said of themselves, as long as they have access."""
        access, authorization = self.foundation.access, headers.get(b"authorization", b"")
        accepted = headers.get(b"accept-language", b"")
        address = address_of(headers.get(b"x-forwarded-for", b"").decode("latin-1"), scope["client"])
        said = authorization, accepted, address
        known = self._askers.get(said)
        if known is not None and known.caller is not None and not access.ended(known.caller):
            return known
        caller = await access.caller_with(authorization.decode("latin-1"))
        found = asker(self.foundation, caller, language_of(accepted.decode("latin-1")), address)
        if caller is not None and sum(map(len, said)) <= _LONGEST_SAID:
            self._askers[said] = found
            if len(self._askers) > _MOST_ASKERS:
                self._askers.popitem(last=False)
        return found

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        caller = await caller_of(request, self.foundation.access) if isinstance(request, Request) else None
        return Context(self.foundation, asker_of(request, self.foundation, caller))

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Take the token of ``connection_init``: `{"Authorization": "Bearer ..."}`."""
        authorization = str(context.connection_params.get("Authorization", ""))
        try:
            caller = await self.foundation.access.caller_with(authorization)
        except (Unauthenticated, NotReadyYet):
            raise ConnectionRejectionError from None
        context.asker = asker(self.foundation, caller, context.language, context.asker.address)
        return UnsetType()

    def encode_json(self, data: object) -> str:
        return msgspec.json.encode(data).decode()


def _with_header(send: Send, header: Header) -> Send:
    """The same, with one header more in the answer."""

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"].append(header)
        await send(message)

    return send_with_header


def _usual(scope: Scope, headers: Headers) -> bool:
    """Whether a request is a POST of JSON that wants one answer, and no stream of them; no header comes twice."""
    accept = headers.get(b"accept", b"")
    return (
        scope["method"] == "POST"
        and headers.get(b"content-type", b"").partition(b";")[0].strip().lower() == b"application/json"
        and b"multipart" not in accept
        and b"event-stream" not in accept
        and len(headers) == len(scope["headers"])
    )


async def _messages_of_body(receive: Receive) -> list[Message]:
    """What is received until the body is complete; ClientDisconnect if it never is."""
    messages: list[Message] = []
    while not messages or messages[-1].get("more_body"):
        messages.append(await receive())
        if messages[-1]["type"] == "http.disconnect":
            raise ClientDisconnect
    return messages


def _again(messages: list[Message], receive: Receive) -> Receive:
    """What was received already, and then what comes."""
    left = iter(messages)

    async def receive_again() -> Message:
        return next(left, None) or await receive()

    return receive_again


def _refused(scope: Scope, status: int, code: str, headers: dict[str, str] | None = None, **params: str) -> Response:
    """An answer in GraphQL's form to a request that was not executed."""
    error = {"message": messages.text(code, language(HTTPConnection(scope)), params), "extensions": {"code": code}}
    return Response(msgspec.json.encode({"errors": [error]}), status, headers, "application/json")
