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

from gateway.access import Access
from gateway.admission import Admission, Admitted, Request
from gateway.context import Asker, Context, Foundation, asker, asker_of
from gateway.errors import INVALID_REQUEST, Refused, Shown, answer_of, refusal
from gateway.http import graphql_transport_ws as protocol
from gateway.http.entrance import size_of_head
from gateway.http.graphql_transport_ws import Complete, ConnectionInit, Malformed, Ping, Pong, Subscribe
from gateway.http.origins import Origins
from gateway.rate.rates import RateLimited
from gateway.room import Room
from gateway.schema.build import KiertoSchema
from gateway.subscriptions.subscriber import handed_over
from services.chassis import deadline, metrics, tracing
from services.chassis.direct import first_values
from services.chassis.logging import logger
from services.chassis.pause import pause
from services.chassis.problems import NotReadyYet, Unauthenticated
from services.chassis.websocket import TRY_AGAIN_LATER

_log = logger(__name__)

DEADLINE_S = 10.0
"""What a query or a mutation may take, with all that is asked of services; a subscription has no end."""
INIT_S = 10.0
"""Within so many seconds a socket has to say ``connection_init``."""
MOST_OPERATIONS = 100
"""Running on one socket; as many more may be about to end."""
UNPAID = 10
"""Messages in a row that a socket is granted whose sender has nothing left: enough for a client to hear of it."""
LONGEST_UNPAID = 8_000
"""Bytes of such a message."""
UNREAD_S = 0.1
"""How long a socket is not read whose sender has nothing left: what may be spent is leased in a tenth of that."""
LOOK_S = 1.0
_CALM_S = 0.1
_LONGEST_REASON = 123
"""Bytes (RFC 6455, section 5.5)."""


class _Close(Exception):
    """A message closes the socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Closed(Exception):
    """The socket is closed: nothing can be sent any more."""


class Sockets:
    """Every open socket of the process, looked through whenever identity says something, and every second.

    ``look_again`` has subscriptions judge anew what they may see. ``most`` is how many a caller may hold, by their kind
    (empty: a stranger). ``slow_s`` is how long a message may wait for its reader, in seconds, before the socket is
    closed.
    """

    def __init__(
        self, access: Access, look_again: Callable[[], None], most: Mapping[str, int], slow_s: float = 10.0
    ) -> None:
        self.access = access
        self.slow_s = slow_s
        self._look_again = look_again
        self._most = most
        self._open: set[Socket] = set()
        self._held: dict[tuple[str, str], dict[Socket, None]] = {}
        """By whom, the oldest first."""

    @contextlib.asynccontextmanager
    async def opened(self, socket: "Socket") -> AsyncIterator[None]:
        """Count a socket for its address; the oldest that is counted for it makes room if there are too many."""
        self._open.add(socket)
        metrics.SOCKETS.inc()
        try:
            held = self._hold(socket)
            if len(held) > self._most[socket.asker.kind]:
                oldest = next(iter(held))
                self._let_go(oldest)
                await oldest.end(TRY_AGAIN_LATER, "TOO_MANY_SOCKETS")
            yield
        finally:
            metrics.SOCKETS.dec()
            self._open.discard(socket)
            self._let_go(socket)

    def hand_over(self, socket: "Socket", caller: Asker) -> bool:
        """Count a socket for who signed in on it instead; False if they hold as many as they may."""
        if len(self._held.get((caller.kind, caller.key), ())) >= self._most[caller.kind]:
            return False
        self._let_go(socket)
        socket.asker = caller
        self._hold(socket)
        return True

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
                await socket.end(protocol.FORBIDDEN, "Forbidden")
            await pause(stop, _CALM_S)  # many may sign out at once

    def _hold(self, socket: "Socket") -> dict["Socket", None]:
        held = self._held.setdefault((socket.asker.kind, socket.asker.key), {})
        held[socket] = None
        return held

    def _let_go(self, socket: "Socket") -> None:
        key = socket.asker.kind, socket.asker.key
        held = self._held.get(key, {})
        held.pop(socket, None)
        if not held:
            self._held.pop(key, None)


class GraphQLSockets:
    """WebSockets at ``/graphql``. Pages of ``origins`` may open one, and the gateway's own."""

    def __init__(
        self,
        foundation: Foundation,
        schema: KiertoSchema,
        admission: Admission,
        room: Room,
        sockets: Sockets,
        origins: Origins,
    ) -> None:
        self.foundation = foundation
        self.schema = schema
        self.admission = admission
        self.room = room
        self.sockets = sockets
        self.init_s = INIT_S
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        stranger = asker_of(websocket, self.foundation, None)
        with tracing.trace(None):
            try:
                self._origins.check(first_values(scope["headers"]))
                self.admission.charge(stranger, size_of_head(scope))
            except Refused as refused:
                await _refuse_handshake(websocket, refused, stranger)
                return
            if protocol.PROTOCOL not in scope["subprotocols"]:
                await websocket.accept()
                await websocket.close(protocol.NOT_ACCEPTABLE, "Subprotocol not acceptable")
                return
            await websocket.accept(protocol.PROTOCOL)
            socket = Socket(self, websocket, stranger)
            async with self.sockets.opened(socket):
                await socket.serve()


class Socket:
    """One connection. Every message is charged before it is read; every operation is admitted and traced on its own."""

    def __init__(self, endpoint: GraphQLSockets, websocket: WebSocket, stranger: Asker) -> None:
        self.asker = stranger
        self._endpoint = endpoint
        self._websocket = websocket
        self._initialised = False
        self._acknowledged = False
        self._unpaid = 0
        self._running: dict[str, asyncio.Task[None]] = {}
        """The operations by their ids, each from its ``subscribe`` to its end."""
        self._tasks: set[asyncio.Task[None]] = set()
        """Of operations, those included that were told to end and have not yet."""

    @property
    def ended(self) -> bool:
        """Whether the access of the connection's caller ended."""
        caller = self.asker.caller
        return caller is not None and self._endpoint.foundation.access.ended(caller)

    async def serve(self) -> None:
        """Take what comes until the socket is closed, by either end. Nothing of it is left behind."""
        init_until = asyncio.get_running_loop().time() + self._endpoint.init_s
        try:
            while self._websocket.application_state is WebSocketState.CONNECTED:
                message = await self._next(init_until)
                if message["type"] == "websocket.disconnect":
                    break
                await self._take(message)
                # A burst of thousands of messages takes turns with all else that this process does.
                await asyncio.sleep(0)
        except _Close as close:
            await self.end(close.code, close.reason)
        except _Closed:
            pass
        finally:
            self._stop_all()
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def end(self, code: int, reason: str) -> None:
        """Stop what runs and close."""
        self._stop_all()
        reason = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # closed by the other end meanwhile
            await self._websocket.close(code, reason)
            metrics.SOCKETS_CLOSED.labels(str(code)).inc()

    async def _next(self, init_until: float) -> ASGIMessage:
        try:
            async with asyncio.timeout_at(None if self._initialised else init_until):
                return await self._websocket.receive()
        except TimeoutError:
            raise _Close(protocol.INIT_TIMEOUT, "Connection initialisation timeout") from None

    async def _take(self, message: ASGIMessage) -> None:
        text = message.get("text")
        data: bytes = message["bytes"] if text is None else text.encode()
        refused = await self._charge(len(data))
        if text is None:
            raise _Close(protocol.BAD_REQUEST, "Invalid message: expected a text")
        try:
            await self._handle(protocol.read_message(data), len(data), refused)
        except Malformed as malformed:
            raise _Close(protocol.BAD_REQUEST, str(malformed)) from None

    async def _charge(self, size: int) -> RateLimited | None:
        """Charge a message to who sends it; the refusal if it is granted all the same, to be told of it."""
        refused = self._spend(size)
        if refused is not None:
            await asyncio.sleep(UNREAD_S)
            refused = self._spend(size)
        if refused is None:
            self._unpaid = 0
            return None
        self._unpaid += 1
        if self._unpaid > UNPAID or size > LONGEST_UNPAID:
            refused.note()
            raise _Close(protocol.TOO_MANY, f"RATE_LIMITED {refused.params['seconds']}")
        return refused

    def _spend(self, size: int) -> RateLimited | None:
        try:
            self._endpoint.admission.charge(self.asker, size)
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
                raise _Close(protocol.UNAUTHORIZED, "Unauthorized")
            case Complete():
                self._stop(message.id)
            case Subscribe():
                await self._subscribe(message, size, refused)

    async def _initialise(self, message: ConnectionInit) -> None:
        """Take the token of ``connection_init``, if there is one."""
        if self._initialised:
            raise _Close(protocol.TOO_MANY, "Too many initialisation requests")
        self._initialised = True
        foundation = self._endpoint.foundation
        try:
            caller = await foundation.access.caller_with(protocol.authorization_of(message.payload))
        except (Unauthenticated, NotReadyYet):
            raise _Close(protocol.FORBIDDEN, "Forbidden") from None
        if caller is not None:
            signed_in = asker(foundation, caller, self.asker.accepted, self.asker.address)
            if not self._endpoint.sockets.hand_over(self, signed_in):
                raise _Close(protocol.TOO_MANY, "TOO_MANY_SOCKETS")
        self._acknowledged = True
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, message: Subscribe, size: int, refused: Refused | None) -> None:
        if message.id in self._running:
            raise _Close(protocol.SUBSCRIBER_EXISTS, f"Subscriber for {message.id} already exists")
        if refused is None and len(self._running) >= MOST_OPERATIONS:
            value = len(self._running) + 1
            refused = Refused(400, "LIMIT_EXCEEDED", limit="operations", value=value, allowed=MOST_OPERATIONS)
        if refused is not None:
            refused.note()
            await self._refuse(message.id, refused)
            return
        if len(self._tasks) >= 2 * MOST_OPERATIONS:  # told to end, and not over yet
            await asyncio.wait(self._tasks.difference(self._running.values()), return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.get_running_loop().create_task(self._run(message.id, message.payload, size))
        self._running[message.id] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _stop(self, operation_id: str) -> None:
        task = self._running.pop(operation_id, None)
        if task is not None:
            task.cancel()

    def _stop_all(self) -> None:
        self._running.clear()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    async def _run(self, operation_id: str, request: Request, size: int) -> None:
        with tracing.trace(None), contextlib.suppress(_Closed):
            try:
                await self._execute(operation_id, request, size)
            except _Closed:
                raise
            except Exception as error:
                refused = refusal(error, {})
                if self._is_running(operation_id):  # else it had its last word, or the client ended it
                    await self._refuse(operation_id, refused)
            finally:
                self._forget(operation_id)

    async def _execute(self, operation_id: str, request: Request, size: int) -> None:
        if self.ended:
            await self.end(protocol.FORBIDDEN, "Forbidden")
            return
        admitted, _ = await self._endpoint.admission.admit(request, self.asker, size)
        if admitted.kind is OperationType.SUBSCRIPTION:
            await self._answer(operation_id, admitted)
            return
        deadline.begin(DEADLINE_S)
        room = self._endpoint.room
        waiting = room.enter(admitted.cost)
        if waiting is not None:
            await waiting
        try:
            await self._answer(operation_id, admitted)
        finally:
            room.leave()

    async def _answer(self, operation_id: str, admitted: Admitted) -> None:
        request = admitted.request
        results = await self._endpoint.schema.stream(
            admitted.known.document.text,
            request.variables,
            Context(self._endpoint.foundation, self.asker),
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

    async def _refuse(self, operation_id: str, refused: Refused) -> None:
        """Tell that an operation is not executed; what is no request at all closes the socket."""
        if refused.code == INVALID_REQUEST:
            await self.end(protocol.BAD_REQUEST, f"Invalid message: expected {refused.params['expected']}")
        else:
            await self._finish(operation_id, "error", refused.shown(self.asker.language))

    async def _finish(self, operation_id: str, kind: str, payload: list[Shown] | None = None) -> None:
        """Send the last message of an operation. Its id is free before the client reads that."""
        self._forget(operation_id)
        message: dict[str, Any] = {"id": operation_id, "type": kind}
        await self._send(message if payload is None else {**message, "payload": payload})

    def _forget(self, operation_id: str) -> None:
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
            async with asyncio.timeout(self._endpoint.sockets.slow_s):
                await self._websocket.send_text(text)
        except TimeoutError:
            metrics.SUBSCRIBERS_TOO_SLOW.inc()
            _log.warning("socket closed: nobody reads it")
            await self.end(TRY_AGAIN_LATER, f"TOO_SLOW {handed_over.get()}".rstrip())
            raise _Closed from None
        except (RuntimeError, WebSocketDisconnect):  # a peer that is gone is no failure of ours
            raise _Closed from None


async def _refuse_handshake(websocket: WebSocket, refused: Refused, stranger: Asker) -> None:
    """Answer a handshake as a request over HTTP is refused: a browser hides that, but other clients read it."""
    refused.note()
    body, headers = answer_of(refused.shown(stranger.language)), {"Cache-Control": "no-store", **refused.headers}
    await websocket.send_denial_response(Response(body, refused.status, headers, "application/json"))
