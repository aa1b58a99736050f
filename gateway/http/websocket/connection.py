"""WebSockets at ``/graphql``: every open one, and their end, by whom they are held and when nobody reads them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
from graphql import OperationType
from starlette.responses import Response
from starlette.types import Message as ASGIMessage
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.types.execution import ExecutionResult, PreExecutionError

from gateway.admission import Admission, GraphQLRequest, PreparedOperation
from gateway.authentication import Authenticator
from gateway.concurrency_limit import ConcurrencyLimit
from gateway.context import Context, GatewayDependencies, Requester, build_requester, requester_of
from gateway.errors import INVALID_REQUEST, FormattedError, RequestError, encode_errors, to_request_error
from gateway.http.origins import AllowedOrigins
from gateway.http.request_guard import head_size
from gateway.http.websocket import graphql_transport_ws as protocol
from gateway.http.websocket.graphql_transport_ws import Complete, ConnectionInit, InvalidMessage, Ping, Pong, Subscribe
from gateway.rate_limit.limiter import RateLimited
from gateway.schema.builder import KiertoSchema
from gateway.subscriptions.subscriber import delivered_cursor
from services.chassis.http.server.endpoint import first_values
from services.chassis.http.server.websocket_protocol import TRY_AGAIN_LATER
from services.chassis.problems import NotReadyYet, Unauthenticated
from services.chassis.runtime import deadline
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import metrics, tracing
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

OPERATION_TIMEOUT_S = 10.0
"""What a query or a mutation may take, with all that is asked of services; a subscription has no end."""
INIT_TIMEOUT_S = 10.0
"""Within so many seconds a socket has to say ``connection_init``."""
MAX_OPERATIONS = 100
"""Running on one socket; as many more may be about to end."""
MAX_UNPAID_MESSAGES = 10
"""Messages in a row that a socket is granted whose sender has nothing left: enough for a client to hear of it."""
MAX_UNPAID_BYTES = 8_000
"""Bytes of such a message."""
THROTTLE_S = 0.1
"""How long a socket is not read whose sender has nothing left: what may be spent is leased in a tenth of that."""
SWEEP_INTERVAL_S = 1.0
_SWEEP_PAUSE_S = 0.1
_MAX_REASON_BYTES = 123
"""Bytes (RFC 6455, section 5.5)."""


class _CloseSocket(Exception):
    """A message closes the socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _SocketClosed(Exception):
    """The socket is closed: nothing can be sent any more."""


class SocketRegistry:
    """Every open socket of the process, looked through whenever identity says something, and every second.

    ``look_again`` has subscriptions judge anew what they may see. ``most`` is how many a caller may hold, by their kind
    (empty: a stranger). ``slow_s`` is how long a message may wait for its reader, in seconds, before the socket is
    closed.
    """

    def __init__(
        self, access: Authenticator, look_again: Callable[[], None], most: Mapping[str, int], slow_s: float = 10.0
    ) -> None:
        self.authenticator = access
        self.send_timeout_s = slow_s
        self._on_access_change = look_again
        self._limits = most
        self._open: set[WebSocketConnection] = set()
        self._by_requester: dict[tuple[str, str], dict[WebSocketConnection, None]] = {}
        """By whom, the oldest first."""

    @contextlib.asynccontextmanager
    async def register(self, socket: "WebSocketConnection") -> AsyncIterator[None]:
        """Count a socket for its address; the oldest that is counted for it makes room if there are too many."""
        self._open.add(socket)
        metrics.SOCKETS.inc()
        try:
            held = self._add(socket)
            if len(held) > self._limits[socket.requester.kind]:
                oldest = next(iter(held))
                self._remove(oldest)
                await oldest.close(TRY_AGAIN_LATER, "TOO_MANY_SOCKETS")
            yield
        finally:
            metrics.SOCKETS.dec()
            self._open.discard(socket)
            self._remove(socket)

    def reassign(self, socket: "WebSocketConnection", caller: Requester) -> bool:
        """Count a socket for who signed in on it instead; False if they hold as many as they may."""
        if len(self._by_requester.get((caller.kind, caller.key), ())) >= self._limits[caller.kind]:
            return False
        self._remove(socket)
        socket.requester = caller
        self._add(socket)
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Close sockets whose caller's access ended, until ``stop`` is set."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.authenticator.changed.wait(), SWEEP_INTERVAL_S)
            if self.authenticator.changed.is_set():
                self.authenticator.changed.clear()
                self._on_access_change()
            ended = {socket for socket in self._open if socket.access_ended}
            self._open -= ended
            for socket in ended:
                await socket.close(protocol.FORBIDDEN, "Forbidden")
            await pause(stop, _SWEEP_PAUSE_S)  # many may sign out at once

    def _add(self, socket: "WebSocketConnection") -> dict["WebSocketConnection", None]:
        held = self._by_requester.setdefault((socket.requester.kind, socket.requester.key), {})
        held[socket] = None
        return held

    def _remove(self, socket: "WebSocketConnection") -> None:
        key = socket.requester.kind, socket.requester.key
        held = self._by_requester.get(key, {})
        held.pop(socket, None)
        if not held:
            self._by_requester.pop(key, None)


class WebSocketEndpoint:
    """WebSockets at ``/graphql``. Pages of ``origins`` may open one, and the gateway's own."""

    def __init__(
        self,
        foundation: GatewayDependencies,
        schema: KiertoSchema,
        admission: Admission,
        room: ConcurrencyLimit,
        sockets: SocketRegistry,
        origins: AllowedOrigins,
    ) -> None:
        self.dependencies = foundation
        self.schema = schema
        self.admission = admission
        self.concurrency_limit = room
        self.registry = sockets
        self.init_timeout_s = INIT_TIMEOUT_S
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        stranger = requester_of(websocket, self.dependencies, None)
        with tracing.trace(None):
            try:
                self._origins.check(first_values(scope["headers"]))
                self.admission.charge(stranger, head_size(scope))
            except RequestError as refused:
                await _reject_handshake(websocket, refused, stranger)
                return
            if protocol.SUBPROTOCOL not in scope["subprotocols"]:
                await websocket.accept()
                await websocket.close(protocol.NOT_ACCEPTABLE, "Subprotocol not acceptable")
                return
            await websocket.accept(protocol.SUBPROTOCOL)
            socket = WebSocketConnection(self, websocket, stranger)
            async with self.registry.register(socket):
                await socket.serve()


class WebSocketConnection:
    """One connection. Every message is charged before it is read; every operation is admitted and traced on its own."""

    def __init__(self, endpoint: WebSocketEndpoint, websocket: WebSocket, stranger: Requester) -> None:
        self.requester = stranger
        self._endpoint = endpoint
        self._websocket = websocket
        self._initialised = False
        self._acknowledged = False
        self._unpaid_messages = 0
        self._running: dict[str, asyncio.Task[None]] = {}
        """The operations by their ids, each from its ``subscribe`` to its end."""
        self._tasks: set[asyncio.Task[None]] = set()
        """Of operations, those included that were told to end and have not yet."""

    @property
    def access_ended(self) -> bool:
        """Whether the access of the connection's caller ended."""
        caller = self.requester.caller
        return caller is not None and self._endpoint.dependencies.authenticator.access_ended(caller)

    async def serve(self) -> None:
        """Take what comes until the socket is closed, by either end. Nothing of it is left behind."""
        init_until = asyncio.get_running_loop().time() + self._endpoint.init_timeout_s
        try:
            while self._websocket.application_state is WebSocketState.CONNECTED:
                message = await self._receive(init_until)
                if message["type"] == "websocket.disconnect":
                    break
                await self._process(message)
                # A burst of thousands of messages takes turns with all else that this process does.
                await asyncio.sleep(0)
        except _CloseSocket as close:
            await self.close(close.code, close.reason)
        except _SocketClosed:
            pass
        finally:
            self._cancel_all()
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def close(self, code: int, reason: str) -> None:
        """Stop what runs and close."""
        self._cancel_all()
        reason = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # closed by the other end meanwhile
            await self._websocket.close(code, reason)
            metrics.SOCKETS_CLOSED.labels(str(code)).inc()

    async def _receive(self, init_until: float) -> ASGIMessage:
        try:
            async with asyncio.timeout_at(None if self._initialised else init_until):
                return await self._websocket.receive()
        except TimeoutError:
            raise _CloseSocket(protocol.INIT_TIMEOUT, "Connection initialisation timeout") from None

    async def _process(self, message: ASGIMessage) -> None:
        text = message.get("text")
        data: bytes = message["bytes"] if text is None else text.encode()
        refused = await self._charge(len(data))
        if text is None:
            raise _CloseSocket(protocol.BAD_REQUEST, "Invalid message: expected a text")
        try:
            await self._handle(protocol.read_message(data), len(data), refused)
        except InvalidMessage as malformed:
            raise _CloseSocket(protocol.BAD_REQUEST, str(malformed)) from None

    async def _charge(self, size: int) -> RateLimited | None:
        """Charge a message to who sends it; the refusal if it is granted all the same, to be told of it."""
        refused = self._spend(size)
        if refused is not None:
            await asyncio.sleep(THROTTLE_S)
            refused = self._spend(size)
        if refused is None:
            self._unpaid_messages = 0
            return None
        self._unpaid_messages += 1
        if self._unpaid_messages > MAX_UNPAID_MESSAGES or size > MAX_UNPAID_BYTES:
            refused.count_and_log()
            raise _CloseSocket(protocol.TOO_MANY_REQUESTS, f"RATE_LIMITED {refused.params['seconds']}")
        return refused

    def _spend(self, size: int) -> RateLimited | None:
        try:
            self._endpoint.admission.charge(self.requester, size)
        except RateLimited as refused:
            return refused
        return None

    async def _handle(self, message: protocol.Message, size: int, refused: RateLimited | None) -> None:
        match message:
            case Ping():
                await self._send({"type": "pong"})
            case Pong():
                pass
            case ConnectionInit():
                await self._initialise(message)
            case _ if not self._acknowledged:
                raise _CloseSocket(protocol.UNAUTHORIZED, "Unauthorized")
            case Complete():
                self._cancel(message.id)
            case Subscribe():
                await self._subscribe(message, size, refused)

    async def _initialise(self, message: ConnectionInit) -> None:
        """Take the token of ``connection_init``, if there is one."""
        if self._initialised:
            raise _CloseSocket(protocol.TOO_MANY_REQUESTS, "Too many initialisation requests")
        self._initialised = True
        foundation = self._endpoint.dependencies
        try:
            caller = await foundation.authenticator.authenticate(protocol.authorization_of(message.payload))
        except (Unauthenticated, NotReadyYet):
            raise _CloseSocket(protocol.FORBIDDEN, "Forbidden") from None
        if caller is not None:
            signed_in = build_requester(foundation, caller, self.requester.accept_language, self.requester.address)
            if not self._endpoint.registry.reassign(self, signed_in):
                raise _CloseSocket(protocol.TOO_MANY_REQUESTS, "TOO_MANY_SOCKETS")
        self._acknowledged = True
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, message: Subscribe, size: int, refused: RequestError | None) -> None:
        if message.id in self._running:
            raise _CloseSocket(protocol.SUBSCRIBER_EXISTS, f"Subscriber for {message.id} already exists")
        if refused is None and len(self._running) >= MAX_OPERATIONS:
            value = len(self._running) + 1
            refused = RequestError(400, "LIMIT_EXCEEDED", limit="operations", value=value, allowed=MAX_OPERATIONS)
        if refused is not None:
            refused.count_and_log()
            await self._send_error(message.id, refused)
            return
        if len(self._tasks) >= 2 * MAX_OPERATIONS:  # told to end, and not over yet
            await asyncio.wait(self._tasks.difference(self._running.values()), return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.get_running_loop().create_task(self._run(message.id, message.payload, size))
        self._running[message.id] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel(self, operation_id: str) -> None:
        task = self._running.pop(operation_id, None)
        if task is not None:
            task.cancel()

    def _cancel_all(self) -> None:
        self._running.clear()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    async def _run(self, operation_id: str, request: GraphQLRequest, size: int) -> None:
        with tracing.trace(None), contextlib.suppress(_SocketClosed):
            try:
                await self._execute(operation_id, request, size)
            except _SocketClosed:
                raise
            except Exception as error:
                refused = to_request_error(error, {})
                if self._is_running(operation_id):  # else it had its last word, or the client ended it
                    await self._send_error(operation_id, refused)
            finally:
                self._free_id(operation_id)

    async def _execute(self, operation_id: str, request: GraphQLRequest, size: int) -> None:
        if self.access_ended:
            await self.close(protocol.FORBIDDEN, "Forbidden")
            return
        admitted, _ = await self._endpoint.admission.admit(request, self.requester, size)
        if admitted.kind is OperationType.SUBSCRIPTION:
            await self._send_results(operation_id, admitted)
            return
        deadline.begin(OPERATION_TIMEOUT_S)
        room = self._endpoint.concurrency_limit
        waiting = room.acquire(admitted.cost)
        if waiting is not None:
            await waiting
        try:
            await self._send_results(operation_id, admitted)
        finally:
            room.release()

    async def _send_results(self, operation_id: str, admitted: PreparedOperation) -> None:
        request = admitted.request
        results = await self._endpoint.schema.stream(
            admitted.document_operation.document.text,
            request.variables,
            Context(self._endpoint.dependencies, self.requester),
            operation_name=request.operation_name or None,
        )
        async with contextlib.aclosing(results):
            async for result in results:
                if isinstance(result, PreExecutionError):
                    await self._finish(operation_id, "error", [{**error.formatted} for error in result.errors or []])
                    return
                assert isinstance(result, ExecutionResult), "nothing is delivered incrementally"
                payload: dict[str, Any] = {"data": result.data}
                if result.errors:
                    payload["errors"] = [error.formatted for error in result.errors]
                await self._send({"id": operation_id, "type": "next", "payload": payload})
        await self._finish(operation_id, "complete")

    async def _send_error(self, operation_id: str, refused: RequestError) -> None:
        """Tell that an operation is not executed; what is no request at all closes the socket."""
        if refused.code == INVALID_REQUEST:
            await self.close(protocol.BAD_REQUEST, f"Invalid message: expected {refused.params['expected']}")
        else:
            await self._finish(operation_id, "error", refused.formatted_errors(self.requester.language))

    async def _finish(self, operation_id: str, kind: str, payload: list[FormattedError] | None = None) -> None:
        """Send the last message of an operation. Its id is free before the client reads that."""
        self._free_id(operation_id)
        message: dict[str, Any] = {"id": operation_id, "type": kind}
        await self._send(message if payload is None else {**message, "payload": payload})

    def _free_id(self, operation_id: str) -> None:
        """Free the id of the running operation, unless another one has it already."""
        if self._is_running(operation_id):
            del self._running[operation_id]

    def _is_running(self, operation_id: str) -> bool:
        """Whether the id is still that of the operation that calls."""
        return self._running.get(operation_id) is asyncio.current_task()

    async def _send(self, message: Mapping[str, Any]) -> None:
        """Send one message; one that nobody reads ends the socket with 1013 and the cursor to come back with."""
        text = msgspec.json.encode(message).decode()
        try:
            async with asyncio.timeout(self._endpoint.registry.send_timeout_s):
                await self._websocket.send_text(text)
        except TimeoutError:
            metrics.SUBSCRIBERS_TOO_SLOW.inc()
            _log.warning("socket closed: nobody reads it")
            await self.close(TRY_AGAIN_LATER, f"TOO_SLOW {delivered_cursor.get()}".rstrip())
            raise _SocketClosed from None
        except (RuntimeError, WebSocketDisconnect):  # a peer that is gone is no failure of ours
            raise _SocketClosed from None


async def _reject_handshake(websocket: WebSocket, refused: RequestError, stranger: Requester) -> None:
    """Answer a handshake as a request over HTTP is refused: a browser hides that, but other clients read it."""
    refused.count_and_log()
    body, headers = (
        encode_errors(refused.formatted_errors(stranger.language)),
        {"Cache-Control": "no-store", **refused.headers},
    )
    await websocket.send_denial_response(Response(body, refused.status, headers, "application/json"))
