"""Open sockets, and their end when the access of whoever opened them ends."""

import asyncio
import contextlib
from typing import Any

from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation

from gateway.access import Access
from gateway.context import Context
from services.chassis import tracing

FORBIDDEN = 4403
"""graphql-transport-ws: Forbidden. Also what an open socket is closed with when its caller's access ends."""

LOOK_S = 1.0


class Sockets:
    """Every open socket of the process, looked through whenever identity says something, and every second."""

    def __init__(self, access: Access) -> None:
        self.access = access
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
            self.access.changed.clear()
            ended = {socket for socket in self._open if socket.ended}
            self._open -= ended
            # One that reads nothing any more must not keep the others open; it is sent nothing either.
            await asyncio.gather(*(asyncio.wait_for(socket.end(), LOOK_S) for socket in ended), return_exceptions=True)


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    """One connection. Every operation on it is checked again, and traced on its own."""

    @property
    def ended(self) -> bool:
        """Whether the access of the connection's caller ended."""
        caller = self.context.caller
        return caller is not None and self.context.foundation.access.ended(caller)

    async def handle(self) -> None:
        sockets: Sockets = self.view.sockets  # type: ignore[attr-defined]
        with sockets.opened(self):
            await super().handle()

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        with tracing.trace(None):
            if self.ended:
                await self.end()
            else:
                await super().run_operation(operation)

    async def end(self) -> None:
        """Stop what runs and close with 4403."""
        for operation_id, operation in list(self.operations.items()):
            if operation.task is not asyncio.current_task():
                await self.cleanup_operation(operation_id)
        with contextlib.suppress(RuntimeError):  # closed by the other end meanwhile
            await self.websocket.close(FORBIDDEN, "Forbidden")
