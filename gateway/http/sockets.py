"""Open sockets, and their end: when the access of whoever opened them ends, or when nobody reads them."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from json import JSONDecodeError
from typing import Any, cast

import msgspec
from graphql import OperationType
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message, SubscribeMessage
from strawberry.types.unset import UnsetType

from gateway.access import Access
from gateway.admission import Admission, Request
from gateway.context import Context, Foundation, asker, asker_of
from gateway.errors import Refused
from gateway.http import parameters
from gateway.http.json_text import decode_json
from gateway.room import Room
from gateway.schema.build import KiertoSchema
from gateway.subscriptions.subscriber import handed_over
from services.chassis import deadline, metrics, tracing
from services.chassis.logging import logger
from services.chassis.pause import pause
from services.chassis.problems import NotReadyYet, Unauthenticated
from services.chassis.websocket import TRY_AGAIN_LATER

_log = logger(__name__)

DEADLINE_S = 10.0
"""What a query or a mutation may take, with all that is asked of services; a subscription has no end."""
FORBIDDEN = 4403
"""graphql-transport-ws: Forbidden. Also what an open socket is closed with when its caller's access ends."""

INIT_TIMEOUT = timedelta(seconds=10)
LOOK_S = 1.0
_CALM_S = 0.1


class Sockets:
    """Every open socket of the process, looked through whenever identity says something, and every second.

    ``look_again`` has subscriptions judge anew what they may see. ``slow_s`` is how long a message may wait for its
    reader, in seconds, before the socket is closed.
    """

    def __init__(self, access: Access, look_again: Callable[[], None], slow_s: float = 10.0) -> None:
        self.access = access
        self.slow_s = slow_s
        self._look_again = look_again
        self._open: set[Socket] = set()

    @contextlib.contextmanager
    def opened(self, socket: "Socket") -> Any:
        self._open.add(socket)
        try:
            yield
        finally:
            self._open.discard(socket)

    async def run(self, stop: asyncio.Event) -> None:
        """Close sockets whose caller's access ended, until ``stop`` is set."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.access.changed.wait(), LOOK_S)
            if self.access.changed.is_set():
                self.access.changed.clear()
                self._look_again()
            ended = {socket for socket in self._open if socket.ended}
            self._open -= ended
            for socket in ended:
                await socket.end(FORBIDDEN, "Forbidden")
            await pause(stop, _CALM_S)  # many may sign out at once


class GraphQLSockets(GraphQL[Context, None]):
    """WebSockets at ``/graphql``. Pages of ``origins`` may open one, and the gateway's own."""

    graphql_transport_ws_handler_class: Any = None  # set below: each is made for the other

    def __init__(
        self,
        foundation: Foundation,
        schema: KiertoSchema,
        admission: Admission,
        room: Room,
        sockets: Sockets,
        origins: Sequence[str],
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=INIT_TIMEOUT,
            allowed_origins=origins,
        )
        self.foundation = foundation
        self.admission = admission
        self.room = room
        self.sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with tracing.trace(None):
            await super().__call__(scope, receive, send)

    async def get_context(self, request: HTTPRequest | WebSocket, response: Response | WebSocket) -> Context:
        return Context(self.foundation, asker_of(request, self.foundation, None))

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Take the token of ``connection_init``: `{"Authorization": "Bearer ..."}`."""
        authorization = str(context.connection_params.get("Authorization", ""))
        try:
            caller = await self.foundation.access.caller_with(authorization)
        except (Unauthenticated, NotReadyYet):
            raise ConnectionRejectionError from None
        context.asker = asker(self.foundation, caller, context.asker.accepted, context.asker.address)
        return UnsetType()

    def decode_json(self, data: str | bytes) -> object:
        """A message; JSONDecodeError for what is none, as the library expects it."""
        try:
            return decode_json(msgspec.json.decode, data if isinstance(data, bytes) else data.encode())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise JSONDecodeError("no JSON, or nested too deeply", "", 0) from None

    def encode_json(self, data: object) -> str:
        return msgspec.json.encode(data).decode()


class _Message(msgspec.Struct):
    """What every message of the protocol has; ``id`` where it is about an operation."""

    type: str
    id: str = ""
    payload: dict[str, Any] | None = None


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    """One connection. Every operation on it is checked again, admitted as over HTTP, and traced on its own."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self._asked: dict[str, Request] = {}

    @property
    def ended(self) -> bool:
        """Whether the access of the connection's caller ended."""
        caller = self.context.caller
        return caller is not None and self.context.foundation.access.ended(caller)

    @property
    def _view(self) -> GraphQLSockets:
        return cast(GraphQLSockets, self.view)

    async def handle(self) -> None:
        with self._view.sockets.opened(self):
            await super().handle()

    async def handle_message(self, message: Message) -> None:
        try:
            msgspec.convert(message, _Message)
        except msgspec.ValidationError:
            await self.handle_invalid_message("Invalid message")
        else:
            await super().handle_message(message)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        try:
            request = parameters.of_message(message.get("payload"))
        except Refused as refused:
            await self._refuse(message["id"], refused)
            return
        self._asked[message["id"]] = request
        # The text of a document that was named comes with its admission.
        payload: Any = {"query": "", **message["payload"]}
        await super().handle_subscribe({**message, "payload": payload})
        if message["id"] not in self.operations:
            self._asked.pop(message["id"], None)

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        request = self._asked.pop(operation.id)
        with tracing.trace(None):
            if self.ended:
                await self.end(FORBIDDEN, "Forbidden")
                return
            try:
                admitted, _ = await self._view.admission.admit(request, self.context.asker)
            except Refused as refused:
                self.operations.pop(operation.id, None)
                await self._refuse(operation.id, refused)
                return
            operation.query = admitted.known.document.text
            if admitted.kind is OperationType.SUBSCRIPTION:
                await super().run_operation(operation)
            else:
                await self._run_in_room(operation, admitted.cost)

    async def send_message(self, message: Message) -> None:
        """Send one message; one that nobody reads ends the socket with 1013 and the cursor to come back with."""
        try:
            async with asyncio.timeout(self._view.sockets.slow_s):
                await super().send_message(message)
        except TimeoutError:
            metrics.SUBSCRIBERS_TOO_SLOW.inc()
            _log.warning("socket closed: nobody reads it")
            await self.end(TRY_AGAIN_LATER, f"TOO_SLOW {handed_over.get()}".rstrip())
            raise WebSocketDisconnected from None

    async def handle_task_exception(self, error: Exception) -> None:
        """A peer that is gone is no failure of ours."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)

    async def end(self, code: int, reason: str) -> None:
        """Stop what runs and close."""
        for operation_id, operation in list(self.operations.items()):
            if operation.task is not asyncio.current_task():
                await self.cleanup_operation(operation_id)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # closed by the other end meanwhile
            await self.websocket.close(code, reason)

    async def _run_in_room(self, operation: Operation[Context, None], cost: int) -> None:
        deadline.begin(DEADLINE_S)
        room = self._view.room
        waiting = room.enter(cost)
        try:
            if waiting is not None:
                await waiting
        except Refused as refused:
            self.operations.pop(operation.id, None)
            await self._refuse(operation.id, refused)
            return
        try:
            await super().run_operation(operation)
        finally:
            room.leave()

    async def _refuse(self, operation_id: str, refused: Refused) -> None:
        refused.note()
        errors: Any = refused.shown(self.context.language)
        await self.send_message({"id": operation_id, "type": "error", "payload": errors})


GraphQLSockets.graphql_transport_ws_handler_class = Socket
