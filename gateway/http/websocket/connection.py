"""One WebSocket connection of graphql-transport-ws, with its operations."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import OperationType
from starlette.types import Message as ASGIMessage
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.types.execution import ExecutionResult, PreExecutionError

from gateway.admission import OPERATION_TIMEOUT_S, Admission, GraphQLRequest, PreparedOperation
from gateway.concurrency_limit import ConcurrencyLimit
from gateway.context import Context, GatewayDependencies, Requester, build_requester
from gateway.errors import INVALID_REQUEST, FormattedError, RequestError, to_request_error
from gateway.http.websocket import graphql_transport_ws as protocol
from gateway.http.websocket.graphql_transport_ws import Complete, ConnectionInit, InvalidMessage, Ping, Pong, Subscribe
from gateway.http.websocket.registry import SocketRegistry
from gateway.rate_limit.limiter import RateLimited
from gateway.request_spans import socket_operation_span
from gateway.schema.builder import KiertoSchema
from gateway.subscriptions.subscriber import delivered_cursor
from services.chassis.http.server.websocket_protocol import TRY_AGAIN_LATER
from services.chassis.problems import NotReadyYet, Unauthenticated
from services.chassis.runtime import deadline
from services.chassis.telemetry import metrics, tracing
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

MAX_OPERATIONS = 100
"""Running operations of a socket; as many more may be cancelled and not yet done."""
MAX_UNPAID_MESSAGES = 10
"""Messages in a row that are processed although the requester's rate is spent, so that a client learns of it."""
MAX_UNPAID_BYTES = 8_000
"""Bytes of such a message."""
THROTTLE_S = 0.1
"""Pause before the second attempt to charge a requester whose rate is spent: a lease of more takes a tenth of it."""
_MAX_REASON_BYTES = 123
"""The maximum of a close reason (RFC 6455, section 5.5)."""


class _CloseSocket(Exception):
    """A message that makes the gateway close the socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _SocketClosed(Exception):
    """The socket is closed: nothing can be sent."""


class SocketDependencies(msgspec.Struct, frozen=True):
    """The dependencies that all connections share."""

    gateway: GatewayDependencies
    schema: KiertoSchema
    admission: Admission
    concurrency_limit: ConcurrencyLimit
    registry: SocketRegistry


class WebSocketConnection:
    """A connection. Every message is charged before it is decoded; every operation is admitted and traced by itself."""

    def __init__(
        self, dependencies: SocketDependencies, websocket: WebSocket, requester: Requester, init_timeout_s: float
    ) -> None:
        self.requester = requester
        """Anonymous until ``connection_init`` has a token."""
        self._dependencies = dependencies
        self._websocket = websocket
        self._init_timeout_s = init_timeout_s
        self._initialised = False
        self._acknowledged = False
        self._unpaid_messages = 0
        self._running: dict[str, asyncio.Task[None]] = {}
        """The operations by id, each from its ``subscribe`` to its last message."""
        self._tasks: set[asyncio.Task[None]] = set()
        """All operations' tasks, cancelled ones that are not done included."""

    @property
    def access_ended(self) -> bool:
        """Whether the access of the connection's caller ended."""
        caller = self.requester.caller
        return caller is not None and self._dependencies.gateway.authenticator.access_ended(caller)

    async def serve(self) -> None:
        """Process messages until either end closes the socket, and then await all operations' tasks."""
        init_deadline = asyncio.get_running_loop().time() + self._init_timeout_s
        try:
            while self._websocket.application_state is WebSocketState.CONNECTED:
                message = await self._receive(init_deadline)
                if message["type"] == "websocket.disconnect":
                    break
                await self._process(message)
                # A burst of thousands of messages must not block the event loop.
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
        """Cancel all operations and close the socket."""
        self._cancel_all()
        reason = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # closed by the other end meanwhile
            await self._websocket.close(code, reason)
            metrics.SOCKETS_CLOSED.labels(str(code)).inc()

    async def _receive(self, init_deadline: float) -> ASGIMessage:
        try:
            async with asyncio.timeout_at(None if self._initialised else init_deadline):
                return await self._websocket.receive()
        except TimeoutError:
            raise _CloseSocket(protocol.INIT_TIMEOUT, "Connection initialisation timeout") from None

    async def _process(self, message: ASGIMessage) -> None:
        text = message.get("text")
        data: bytes = message["bytes"] if text is None else text.encode()
        error = await self._charge(len(data))
        if text is None:
            raise _CloseSocket(protocol.BAD_REQUEST, "Invalid message: expected a text")
        try:
            await self._handle(protocol.read_message(data), len(data), error)
        except InvalidMessage as invalid:
            raise _CloseSocket(protocol.BAD_REQUEST, str(invalid)) from None

    async def _charge(self, size: int) -> RateLimited | None:
        """Charge a message to the requester; the error of one that is processed although it is unpaid."""
        error = self._spend(size)
        if error is not None:
            await asyncio.sleep(THROTTLE_S)
            error = self._spend(size)
        if error is None:
            self._unpaid_messages = 0
            return None
        self._unpaid_messages += 1
        if self._unpaid_messages > MAX_UNPAID_MESSAGES or size > MAX_UNPAID_BYTES:
            error.count_and_log()
            raise _CloseSocket(protocol.TOO_MANY_REQUESTS, f"RATE_LIMITED {error.params['seconds']}")
        return error

    def _spend(self, size: int) -> RateLimited | None:
        try:
            self._dependencies.admission.charge(self.requester, size)
        except RateLimited as error:
            return error
        return None

    async def _handle(self, message: protocol.Message, size: int, error: RateLimited | None) -> None:
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
                await self._subscribe(message, size, error)

    async def _initialise(self, message: ConnectionInit) -> None:
        """Authenticate the caller of ``connection_init``, if there is a token."""
        if self._initialised:
            raise _CloseSocket(protocol.TOO_MANY_REQUESTS, "Too many initialisation requests")
        self._initialised = True
        gateway = self._dependencies.gateway
        try:
            caller = await gateway.authenticator.authenticate(protocol.authorization_of(message.payload))
        except (Unauthenticated, NotReadyYet):
            raise _CloseSocket(protocol.FORBIDDEN, "Forbidden") from None
        if caller is not None:
            requester = build_requester(gateway, caller, self.requester.accept_language, self.requester.address)
            if not self._dependencies.registry.reassign(self, requester):
                raise _CloseSocket(protocol.TOO_MANY_REQUESTS, "TOO_MANY_SOCKETS")
        self._acknowledged = True
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, message: Subscribe, size: int, error: RequestError | None) -> None:
        if message.id in self._running:
            raise _CloseSocket(protocol.SUBSCRIBER_EXISTS, f"Subscriber for {message.id} already exists")
        if error is None and len(self._running) >= MAX_OPERATIONS:
            value = len(self._running) + 1
            error = RequestError(400, "LIMIT_EXCEEDED", limit="operations", value=value, allowed=MAX_OPERATIONS)
        if error is not None:
            error.count_and_log()
            await self._send_error(message.id, error)
            return
        if len(self._tasks) >= 2 * MAX_OPERATIONS:  # the rest are cancelled and not done
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
            except Exception as exception:
                error = to_request_error(exception, {})
                if self._is_running(operation_id):  # else its last message is sent, or the client ended it
                    await self._send_error(operation_id, error)
            finally:
                self._free_id(operation_id)

    async def _execute(self, operation_id: str, request: GraphQLRequest, size: int) -> None:
        if self.access_ended:
            await self.close(protocol.FORBIDDEN, "Forbidden")
            return
        prepared, _ = await self._dependencies.admission.admit(request, self.requester, size)
        if prepared.operation_type is OperationType.SUBSCRIPTION:
            await self._send_results(operation_id, prepared)
            return
        deadline.begin(OPERATION_TIMEOUT_S)
        concurrency_limit = self._dependencies.concurrency_limit
        waiting = concurrency_limit.acquire(prepared.cost)
        if waiting is not None:
            await waiting
        try:
            with socket_operation_span(prepared):
                await self._send_results(operation_id, prepared)
        finally:
            concurrency_limit.release()

    async def _send_results(self, operation_id: str, prepared: PreparedOperation) -> None:
        request = prepared.request
        results = await self._dependencies.schema.stream(
            prepared.document_operation.document.text,
            request.variables,
            Context(self._dependencies.gateway, self.requester),
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

    async def _send_error(self, operation_id: str, error: RequestError) -> None:
        """Send the error of an operation that is not executed; an invalid request closes the socket."""
        if error.code == INVALID_REQUEST:
            await self.close(protocol.BAD_REQUEST, f"Invalid message: expected {error.params['expected']}")
        else:
            await self._finish(operation_id, "error", error.formatted_errors(self.requester.language))

    async def _finish(self, operation_id: str, kind: str, payload: list[FormattedError] | None = None) -> None:
        """Send the last message of an operation. Its id is free before the client reads the message."""
        self._free_id(operation_id)
        message: dict[str, Any] = {"id": operation_id, "type": kind}
        await self._send(message if payload is None else {**message, "payload": payload})

    def _free_id(self, operation_id: str) -> None:
        """Free the id of the current task's operation, unless another operation has it already."""
        if self._is_running(operation_id):
            del self._running[operation_id]

    def _is_running(self, operation_id: str) -> bool:
        """Whether the id is still that of the current task's operation."""
        return self._running.get(operation_id) is asyncio.current_task()

    async def _send(self, message: Mapping[str, Any]) -> None:
        """Send a message; on timeout close the socket with 1013 and the cursor to resume after."""
        text = msgspec.json.encode(message).decode()
        try:
            async with asyncio.timeout(self._dependencies.registry.send_timeout_s):
                await self._websocket.send_text(text)
        except TimeoutError:
            metrics.SUBSCRIBERS_TOO_SLOW.inc()
            _log.warning("socket closed: slow consumer")
            await self.close(TRY_AGAIN_LATER, f"TOO_SLOW {delivered_cursor.get()}".rstrip())
            raise _SocketClosed from None
        except (RuntimeError, WebSocketDisconnect):  # closed by the client meanwhile
            raise _SocketClosed from None
