"""Open sockets, and their end: when the access of whoever opened them ends, or when nobody reads them."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocketDisconnect
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message

from gateway.access import Access
from gateway.context import Context
from gateway.subscriptions.subscriber import handed_over
from services.chassis import metrics, tracing
from services.chassis.logging import logger
from services.chassis.pause import pause
from services.chassis.websocket import TRY_AGAIN_LATER

_log = logger(__name__)

FORBIDDEN = 4403
"""graphql-transport-ws: Forbidden. Also what an open socket is closed with when its caller's access ends."""

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


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    """One connection. Every operation on it is checked again, and traced on its own."""

    @property
    def ended(self) -> bool:
        """Whether the access of the connection's caller ended."""
        caller = self.context.caller
        return caller is not None and self.context.foundation.access.ended(caller)

    @property
    def _sockets(self) -> Sockets:
        sockets: Sockets = self.view.sockets  # type: ignore[attr-defined]
        return sockets

    async def handle(self) -> None:
        with self._sockets.opened(self):
            await super().handle()

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        with tracing.trace(None):
            if self.ended:
                await self.end(FORBIDDEN, "Forbidden")
            else:
                await super().run_operation(operation)

    async def send_message(self, message: Message) -> None:
        """Send one message; one that nobody reads ends the socket with 1013 and the cursor to come back with."""
        try:
            async with asyncio.timeout(self._sockets.slow_s):
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
