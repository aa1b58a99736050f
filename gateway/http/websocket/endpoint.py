"""The WebSocket endpoint at ``/graphql``: the checks of a handshake."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from gateway.admission import Admission
from gateway.concurrency_limit import ConcurrencyLimit
from gateway.context import GatewayDependencies, Requester, requester_of
from gateway.errors import RequestError, encode_errors
from gateway.http.origins import AllowedOrigins
from gateway.http.request_guard import head_size
from gateway.http.websocket import graphql_transport_ws as protocol
from gateway.http.websocket.connection import SocketDependencies, WebSocketConnection
from gateway.http.websocket.registry import SocketRegistry
from gateway.schema.builder import KiertoSchema
from services.chassis.http.server.endpoint import first_values
from services.chassis.telemetry import tracing

INIT_TIMEOUT_S = 10.0
"""Timeout of ``connection_init``."""


class WebSocketEndpoint:
    """The endpoint of WebSockets of the allowed origins' pages, the gateway's own, and programs."""

    def __init__(
        self,
        dependencies: GatewayDependencies,
        schema: KiertoSchema,
        admission: Admission,
        concurrency_limit: ConcurrencyLimit,
        registry: SocketRegistry,
        origins: AllowedOrigins,
    ) -> None:
        self.registry = registry
        self.init_timeout_s = INIT_TIMEOUT_S
        self.dependencies = SocketDependencies(dependencies, schema, admission, concurrency_limit, registry)
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        requester = requester_of(websocket, self.dependencies.gateway, None)
        with tracing.trace(None):
            try:
                self._origins.check(first_values(scope["headers"]))
                self.dependencies.admission.charge(requester, head_size(scope))
            except RequestError as error:
                await _reject_handshake(websocket, error, requester)
                return
            if protocol.SUBPROTOCOL not in scope["subprotocols"]:
                await websocket.accept()
                await websocket.close(protocol.NOT_ACCEPTABLE, "Subprotocol not acceptable")
                return
            await websocket.accept(protocol.SUBPROTOCOL)
            socket = WebSocketConnection(self.dependencies, websocket, requester, self.init_timeout_s)
            async with self.registry.register(socket):
                await socket.serve()


async def _reject_handshake(websocket: WebSocket, error: RequestError, requester: Requester) -> None:
    """Answer a handshake with the error as a response: browsers hide it, but other clients read it."""
    error.count_and_log()
    body = encode_errors(error.formatted_errors(requester.language))
    headers = {"Cache-Control": "no-store", **error.headers}
    await websocket.send_denial_response(Response(body, error.status, headers, "application/json"))
