"""An echo service, and scripted servers in its place, for tests of calls."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from starlette.requests import Request

from services.chassis.http.client.origin import Origin
from services.chassis.problems import Forbidden, NotReadyYet, Unauthenticated
from services.chassis.rpc.channel import ServiceChannel, caller_field_lines
from services.chassis.rpc.client import client
from services.chassis.rpc.server import routes
from services.chassis.telemetry import tracing
from services.contracts.declare import open_read, read, write
from services.contracts.permission import PEOPLE
from services.contracts.values import Outcome, Refusal, Value, refuse
from tests.integration.chassis.http.client.scripted_server import Peer
from tests.support.http_server import serve_routes
from tests.support.permit import PermitAll

MIRJA = caller_field_lines({"Authorization": "Mirja"})


class Said(Outcome, frozen=True, kw_only=True):
    """An echoed text with its caller and trace."""

    word: str
    to: str
    trace: str | None


class Room(Value, frozen=True, kw_only=True):
    """The place of an echo."""

    room_name: str
    seats: int


class EchoContract(Protocol):
    """An echo."""

    @read(PEOPLE)
    async def say(self, word: str) -> Said | Refusal: ...

    @read(PEOPLE)
    async def meet(self) -> int: ...

    @read(PEOPLE)
    async def rooms(self, seats: list[int]) -> list[Room | None]: ...

    @write(PEOPLE)
    async def note(self, word: str) -> str: ...

    @open_read
    async def greet(self) -> str: ...


class EchoState:
    """The implementation of the echo service, with its recorded requests and a barrier."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.present = 0
        self.all_present = asyncio.Event()

    async def authenticate(self, request: Request) -> "EchoImplementation":
        self.requests.append(request.url.path)
        if request.headers.get("authorization", "") == "":
            raise Unauthenticated
        return EchoImplementation(self, request.headers["authorization"])

    async def anonymous(self, request: Request) -> "EchoImplementation":
        self.requests.append(request.url.path)
        return EchoImplementation(self, "anonymous")


class EchoImplementation:
    def __init__(self, state: EchoState, caller: str) -> None:
        self._state, self._caller = state, caller

    async def say(self, word: str) -> Said | Refusal:
        failure: Exception | None = {
            "forbidden": Forbidden(),
            "early": NotReadyYet(),
            "broken": RuntimeError("secret"),
        }.get(word)
        if failure is not None:
            raise failure
        return Said(word=word, to=self._caller, trace=tracing.trace_id()) if word else refuse("NOTHING_SAID", "word")

    async def meet(self) -> int:
        self._state.present += 1
        if self._state.present == 3:
            self._state.all_present.set()
        await asyncio.wait_for(self._state.all_present.wait(), 60)
        return self._state.present

    async def rooms(self, seats: list[int]) -> list[Room | None]:
        return [Room(room_name=f"the {many}", seats=many) if many else None for many in seats]

    async def note(self, word: str) -> str:
        return word

    async def greet(self) -> str:
        return self._caller


class EchoFixture:
    def __init__(self, state: EchoState, url: str, origin: Origin) -> None:
        self.state, self.url = state, url
        self.service = ServiceChannel("echo", origin)

    def echo(self, caller: str = "Mirja") -> EchoContract:
        return client(EchoContract, self.service, {"Authorization": caller})


@contextlib.asynccontextmanager
async def run_echo() -> AsyncIterator[EchoFixture]:
    """Run the service on a port, and open a channel to it."""
    state = EchoState()
    made = routes(EchoContract, lambda echo: echo, state.authenticate, state.anonymous, PermitAll())
    async with serve_routes(made) as url, Origin(url) as origin:
        yield EchoFixture(state, url, origin)


def silent_server(reached: asyncio.Event) -> Callable[[Peer], Awaitable[None]]:
    """Return an act that records a request and never responds."""

    async def script(peer: Peer) -> None:
        await peer.request()
        reached.set()
        await peer.gone()

    return script


def canned_server(body: bytes) -> Callable[[Peer], Awaitable[None]]:
    """Return an act that responds to a request with this body."""

    async def script(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await peer.gone()

    return script
