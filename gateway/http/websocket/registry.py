"""The registry of open WebSockets: limits by requester, and closing when access ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from gateway.authentication import Authenticator
from gateway.context import Requester
from gateway.http.websocket import graphql_transport_ws as protocol
from services.chassis.http.server.websocket_protocol import TRY_AGAIN_LATER
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import metrics

SWEEP_INTERVAL_S = 1.0
_SWEEP_PAUSE_S = 0.1


class RegisteredSocket(Protocol):
    """An open WebSocket, hashable by its identity."""

    requester: Requester

    @property
    def access_ended(self) -> bool:
        """Whether the access of its caller ended."""

    async def close(self, code: int, reason: str) -> None:
        """Close it."""


class SocketRegistry:
    """Every open socket of the process, swept at each change of access and every second."""

    def __init__(
        self,
        authenticator: Authenticator,
        limits: Mapping[str, int],
        send_timeout_s: float = 10.0,
    ) -> None:
        self.authenticator = authenticator
        self.send_timeout_s = send_timeout_s
        """Timeout of a message that the client does not read, after which its socket is closed."""
        self._limits = limits
        """Sockets of a requester, by its kind."""
        self._open: set[RegisteredSocket] = set()
        self._by_requester: dict[tuple[str, str], dict[RegisteredSocket, None]] = {}
        """By kind and key, the oldest first."""

    @contextlib.asynccontextmanager
    async def register(self, socket: RegisteredSocket) -> AsyncIterator[None]:
        """Register a socket for its address; beyond the limit, the oldest of the address is closed."""
        self._open.add(socket)
        metrics.SOCKETS.inc()
        try:
            registered = self._add(socket)
            if len(registered) > self._limits[socket.requester.kind]:
                oldest = next(iter(registered))
                self._remove(oldest)
                await oldest.close(TRY_AGAIN_LATER, "TOO_MANY_SOCKETS")
            yield
        finally:
            metrics.SOCKETS.dec()
            self._open.discard(socket)
            self._remove(socket)

    def reassign(self, socket: RegisteredSocket, requester: Requester) -> bool:
        """Reassign a socket to the caller that signed in on it; False if that exceeds its limit."""
        if len(self._by_requester.get((requester.kind, requester.key), ())) >= self._limits[requester.kind]:
            return False
        self._remove(socket)
        socket.requester = requester
        self._add(socket)
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Close sockets whose caller's access ended, until ``stop`` is set."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.authenticator.changed.wait(), SWEEP_INTERVAL_S)
            self.authenticator.changed.clear()
            ended = {socket for socket in self._open if socket.access_ended}
            self._open -= ended
            for socket in ended:
                await socket.close(protocol.FORBIDDEN, "Forbidden")
            await pause(stop, _SWEEP_PAUSE_S)  # many may sign out at once

    def _add(self, socket: RegisteredSocket) -> dict[RegisteredSocket, None]:
        registered = self._by_requester.setdefault((socket.requester.kind, socket.requester.key), {})
        registered[socket] = None
        return registered

    def _remove(self, socket: RegisteredSocket) -> None:
        key = socket.requester.kind, socket.requester.key
        registered = self._by_requester.get(key, {})
        registered.pop(socket, None)
        if not registered:
            self._by_requester.pop(key, None)
