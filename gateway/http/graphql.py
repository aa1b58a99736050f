"""GraphQL over HTTP and over WebSocket (graphql-transport-ws) at one address."""

from datetime import timedelta
from typing import Any, cast

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
from gateway.context import Context, Foundation
from gateway.http.bearer import caller_of, caller_with
from gateway.http.body import TooLarge, limited
from gateway.http.known_operation import answer, known
from gateway.http.sockets import Socket, Sockets
from gateway.schema.build import KiertoSchema, build_schema
from services.access.authentication import language
from services.chassis import tracing
from services.chassis.problems import NotReadyYet, Unauthenticated

MAX_BODY = 1_000_000
INIT_TIMEOUT = timedelta(seconds=10)
TRACE_HEADER = "X-Trace-Id"

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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            with tracing.trace(None):
                await super().__call__(scope, receive, send)
            return
        request = Request(scope)
        with tracing.trace(request.headers.get(tracing.HEADER)) as trace_id:

            async def send_traced(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message["headers"].append((TRACE_HEADER.lower().encode(), trace_id.encode()))
                await send(message)

            try:
                await self._answer(request, limited(receive, MAX_BODY), send_traced)
            except ClientDisconnect:
                return
            except TooLarge:
                await _refused(request, 413, "TOO_LARGE", limit=str(MAX_BODY))(scope, receive, send_traced)
            except Unauthenticated:
                await _refused(request, 401, "UNAUTHENTICATED", _CHALLENGE)(scope, receive, send_traced)
            except NotReadyYet:
                await _refused(request, 503, "NOT_READY_YET", {"Retry-After": "1"})(scope, receive, send_traced)

    async def _answer(self, request: Request, receive: Receive, send: Send) -> None:
        if not _usual(request):
            await super().__call__(request.scope, receive, send)
            return
        messages = await _messages_of_body(receive)
        body = b"".join(one.get("body", b"") for one in messages)
        schema = cast(KiertoSchema, self.schema)
        asked = known(schema, body)
        if asked is None:
            await super().__call__(request.scope, _again(messages, receive), send)
            return
        caller = await caller_of(request, self.foundation.access)
        written = await answer(schema, asked, Context(self.foundation, request, caller))
        length = str(len(written)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": written})

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        caller = await caller_of(request, self.foundation.access) if isinstance(request, Request) else None
        return Context(self.foundation, request, caller)

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Take the token of ``connection_init``: `{"Authorization": "Bearer ..."}`."""
        authorization = context.connection_params.get("Authorization", "")
        try:
            context.caller = await caller_with(str(authorization), self.foundation.access)
        except (Unauthenticated, NotReadyYet):
            raise ConnectionRejectionError from None
        return UnsetType()

    def encode_json(self, data: object) -> str:
        return msgspec.json.encode(data).decode()


def _usual(request: Request) -> bool:
    """Whether a request is a POST of JSON that wants one answer, and no stream of them."""
    headers = request.headers
    accept = headers.get("accept", "")
    return (
        request.method == "POST"
        and headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
        and "multipart" not in accept
        and "event-stream" not in accept
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


def _refused(
    request: HTTPConnection, status: int, code: str, headers: dict[str, str] | None = None, **params: str
) -> Response:
    """An answer in GraphQL's form to a request that was not executed."""
    error = {"message": messages.text(code, language(request), params), "extensions": {"code": code}}
    return Response(msgspec.json.encode({"errors": [error]}), status, headers, "application/json")
