"""A way to one service: how calls travel to it, and what their answers mean."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from services.chassis import tracing
from services.chassis.http_client import request
from services.chassis.http_client.answer import Answer
from services.chassis.http_client.download import Download
from services.chassis.http_client.errors import NoAnswer, TimedOut
from services.chassis.http_client.origin import Origin
from services.chassis.http_client.request import Fields, Start
from services.chassis.rpc import round_trip
from services.chassis.rpc.gathering import Gathering
from services.chassis.rpc.signature import Signature

T = TypeVar("T")


class CallFailed(Exception):
    """A call had no result: the service refused it as malformed, unauthenticated, or could not answer."""

    def __init__(
        self, service: str, status: int, code: str, path: list[str], params: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{service} answered {status} {code}")
        self.service = service
        self.status = status
        self.code = code
        self.path = path
        self.params = params or {}


class _Problem(msgspec.Struct):
    code: str = "UNEXPECTED"
    path: list[str] = []
    params: dict[str, str] = {}


_UNAVAILABLE = 503, msgspec.json.encode(_Problem("UNAVAILABLE"))
_TIMED_OUT = 504, msgspec.json.encode(_Problem("TIMED_OUT"))


class Service:
    """A way to one service: its name, and its address and connections, shared by all calls."""

    def __init__(self, name: str, origin: Origin, timeout_s: float = 10.0) -> None:
        self.name = name
        self._origin = origin
        self._timeout_s = timeout_s
        self._starts: dict[str, Start] = {}
        self._gathering = Gathering(self.post)

    async def ask(self, operation: Signature, arguments: bytes, fields: Fields) -> round_trip.Answer:
        """The status and body of the answer to a call; ``result`` says what they mean.

        Reads that one caller makes at the same moment share a round trip; all else travels alone.
        """
        if operation.shares_round_trips:
            return await self._gathering.read(operation.name, arguments, fields)
        return await self.ask_alone(operation, arguments, fields)

    def ask_alone(self, operation: Signature, arguments: bytes, fields: Fields) -> Awaitable[tuple[int, bytes]]:
        """The same, for a call that has no company."""
        path = f"{round_trip.PATH}/{operation.name}"
        return self.post(path, arguments, fields, repeatable=operation.declared.kind == "read")

    def ask_together(self, calls: Iterable[tuple[str, bytes]], fields: Fields) -> Awaitable[tuple[int, bytes]]:
        """The answer to a round trip: to reads, operations and arguments, of one caller, as many as it takes."""
        return self.post(round_trip.PATH, round_trip.body(calls), fields, repeatable=True)

    async def post(self, path: str, body: bytes, fields: Fields, *, repeatable: bool) -> tuple[int, bytes]:
        """POST JSON: the status and body of the answer; 503 or 504 where there was none.

        What is ``repeatable`` is tried twice on a lost connection.
        """
        start = self._starts.get(path)
        if start is None:
            start = self._starts[path] = self._origin.start("POST", path)
        try:
            answer = await self._origin.request(
                start, _traced(fields), body, timeout_s=self._timeout_s, repeatable=repeatable
            )
        except TimedOut:
            return _TIMED_OUT
        except NoAnswer:
            return _UNAVAILABLE
        return answer.status, answer.body

    async def upload(self, path: str, pieces: AsyncIterable[bytes], fields: Fields, *, pause_s: float) -> Answer:
        """POST a body as it comes: the answer as it is. NoAnswer as ``Origin.upload`` says."""
        return await self._origin.upload(self._origin.start("POST", path), _traced(fields), pieces, pause_s=pause_s)

    async def download(self, path: str, fields: Fields, *, pause_s: float) -> Download:
        """GET what is read as it comes. NoAnswer as ``Origin.download`` says."""
        start = self._origin.start("GET", path)
        return await self._origin.download(start, _traced(fields), timeout_s=self._timeout_s, pause_s=pause_s)


def result(service: str, status: int, body: bytes | msgspec.Raw, decode: Callable[[bytes | msgspec.Raw], T]) -> T:
    """What an answer says: the result in a 200, CallFailed for all else; DecodeError for what is no such result."""
    if status == 200:
        return decode(body)
    raise failure(service, status, body)


def failure(service: str, status: int, body: bytes | msgspec.Raw) -> CallFailed:
    """What an answer says that is no result."""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    return CallFailed(service, status, problem.code, problem.path, problem.params)


def caller_fields(headers: Mapping[str, str]) -> Fields:
    """The header fields of calls, made once for a caller; ValueError for what is no header."""
    return request.fields({"Content-Type": "application/json", **headers})


def _traced(fields: Fields) -> Fields:
    return Fields(b"%btraceparent: %b\r\n" % (fields, tracing.traceparent().encode()))
