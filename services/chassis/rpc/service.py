"""A way to one service: how calls travel to it, and what their answers mean."""

import time
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from services.chassis import deadline, metrics, tracing
from services.chassis.http_client import request
from services.chassis.http_client.answer import Answer
from services.chassis.http_client.download import Download
from services.chassis.http_client.errors import Busy, Lost, NoAnswer, TimedOut
from services.chassis.http_client.origin import Origin
from services.chassis.http_client.request import Fields, Start
from services.chassis.rpc import round_trip
from services.chassis.rpc.breaker import Breaker
from services.chassis.rpc.gathering import Gathering
from services.chassis.rpc.repeating import Repeats
from services.chassis.rpc.signature import Signature

T = TypeVar("T")

READ_S = 3.0
"""How long a read may take, whatever its caller has left: whoever wants it can ask again."""
WRITE_S = 10.0
"""How long a change may take: whoever gives up on one does not know whether it was made."""
_NEARLY_OVER_S = 0.05
"""With less left nothing is begun any more."""
_ENOUGH_S = 1.0
"""A service that was given less, and less than a call may take, is not judged by that it was late."""


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
_TOO_LATE = 504, msgspec.json.encode(_Problem("DEADLINE_EXCEEDED"))


class Service:
    """A way to one service: its name, and its address and connections, shared by all calls.

    A call takes ``read_s`` or ``write_s`` seconds at most, and less if the present work has less left.
    """

    def __init__(self, name: str, origin: Origin, *, read_s: float = READ_S, write_s: float = WRITE_S) -> None:
        self.name = name
        self._origin = origin
        self._read_s = read_s
        self._write_s = write_s
        self._starts: dict[str, Start] = {}
        self._gathering = Gathering(self.post)
        self._breaker = Breaker(name, self._is_ready, origin.drop)
        self._repeats = Repeats()

    async def ask(self, operation: Signature, arguments: bytes, fields: Fields) -> round_trip.Answer:
        """The status and body of the answer to a call; ``result`` says what they mean.

        Reads that one caller makes at the same moment share a round trip; all else travels alone.
        """
        if operation.shares_round_trips:
            return await self._gathering.read(operation, arguments, fields)
        return await self.ask_alone(operation, arguments, fields)

    def ask_alone(
        self, operation: Signature, arguments: bytes, fields: Fields, selection: bytes = b""
    ) -> Awaitable[tuple[int, bytes]]:
        """The same, for a call that has no company. ``selection``: what to pick of the result (see ``picking``)."""
        limit_s = self._read_s if operation.declared.kind == "read" else self._write_s
        picks = round_trip.field((selection,)) if selection else b""
        return self.post(
            operation.path, arguments, fields, repeatable=operation.repeatable, limit_s=limit_s, picks=picks
        )

    def ask_together(
        self, calls: Sequence[round_trip.Call], selections: tuple[bytes, ...], fields: Fields
    ) -> Awaitable[tuple[int, bytes]]:
        """The answer to a round trip: to reads of one caller, as many as it takes.

        ``selections``: what to pick of each result, empty for all of it.
        """
        picks = round_trip.field(selections)
        return self.post(round_trip.PATH, round_trip.body(calls), fields, repeatable=True, picks=picks)

    async def post(
        self,
        path: str,
        body: bytes,
        fields: Fields,
        *,
        repeatable: bool,
        limit_s: float | None = None,
        picks: bytes = b"",
    ) -> tuple[int, bytes]:
        """POST JSON: the status and body of the answer; 503 or 504 where there was none.

        ``picks`` is the line of a header field that is this call's own. What is ``repeatable`` is tried twice on a lost
        connection, unless that happens much, or nothing is left of the time: ``limit_s`` (None: as long as a read) or
        what the present work has.
        """
        if self._breaker.open and not await self._breaker.closes():
            return _UNAVAILABLE
        may_take = self._read_s if limit_s is None else limit_s
        timeout_s = deadline.until() - time.monotonic()
        if timeout_s >= may_take:
            timeout_s = may_take
        elif timeout_s < min(may_take, _NEARLY_OVER_S):
            return _TOO_LATE
        start = self._starts.get(path)
        if start is None:
            start = self._starts[path] = self._origin.start("POST", path)
        before, again = self._breaker.answers, self._again if repeatable else None
        told = _told(fields, picks, timeout_s)
        try:
            answer = await self._origin.request(start, told, body, timeout_s=timeout_s, again=again)
        except Busy:
            return _UNAVAILABLE
        except NoAnswer as failure:
            late = isinstance(failure, TimedOut)
            if not late or _is_fair(timeout_s, may_take):
                self._breaker.failed(before)
            return _TIMED_OUT if late else _UNAVAILABLE
        if answer.status != 504:
            self._breaker.answered()
        elif _is_fair(timeout_s, may_take):
            self._breaker.failed(before)
        return answer.status, answer.body

    async def upload(self, path: str, pieces: AsyncIterable[bytes], fields: Fields, *, pause_s: float) -> Answer:
        """POST a body as it comes: the answer as it is. NoAnswer as ``Origin.upload`` says."""
        asked = self._origin.start("POST", path), _traced(fields)
        return await self._judged(self._origin.upload(*asked, pieces, pause_s=pause_s))

    async def download(self, path: str, fields: Fields, *, pause_s: float) -> Download:
        """GET what is read as it comes. NoAnswer as ``Origin.download`` says."""
        asked = self._origin.start("GET", path), _traced(fields)
        return await self._judged(self._origin.download(*asked, timeout_s=self._read_s, pause_s=pause_s))

    async def _judged(self, asking: Coroutine[Any, Any, T]) -> T:
        """Ask for what is read as it comes or sent so, if the service may be called; it is judged by its answering."""
        if self._breaker.open and not await self._breaker.closes():
            asking.close()
            raise Lost(f"{self.name} answers nobody", sent=False)
        before = self._breaker.answers
        try:
            answer = await asking
        except Busy:
            raise
        except NoAnswer:
            self._breaker.failed(before)
            raise
        self._breaker.answered()
        return answer

    def _again(self) -> bool:
        """Whether a call whose connection was lost is made once more."""
        over = self._breaker.open or deadline.until() - time.monotonic() < _NEARLY_OVER_S
        if over or not self._repeats.take(self._breaker.answers):
            return False
        metrics.CALLS_REPEATED.labels(self.name).inc()
        return True

    async def _is_ready(self) -> bool:
        """Whether somebody answers there who does not say that it is not ready."""
        start = self._origin.start("GET", "/readyz")
        try:
            answer = await self._origin.request(start, _NOTHING_SAID, timeout_s=self._read_s)
        except NoAnswer:
            return False
        return answer.status != 503


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


_NOTHING_SAID = request.fields({})


def _is_fair(timeout_s: float, may_take: float) -> bool:
    """Whether a service that is late by then may be judged by that."""
    return timeout_s >= min(may_take, _ENOUGH_S)


def _told(fields: Fields, picks: bytes, timeout_s: float) -> Fields:
    said = fields, picks, tracing.traceparent().encode(), deadline.passed_on(timeout_s)
    told = b"%b%btraceparent: %b\r\nKierto-Timeout-Ms: %d\r\n" % said
    return told  # type: ignore[return-value]  # to call it Fields takes a call


def _traced(fields: Fields) -> Fields:
    return Fields(b"%btraceparent: %b\r\n" % (fields, tracing.traceparent().encode()))
