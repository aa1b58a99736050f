"""A way to one service: how calls travel to it, and what their answers mean."""

import time
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from services.chassis.http.client import request
from services.chassis.http.client.download import Download
from services.chassis.http.client.errors import ConnectionLost, PoolExhausted, RequestTimeout, TransportError
from services.chassis.http.client.origin import Origin
from services.chassis.http.client.request import FieldLines, RequestPrefix
from services.chassis.http.client.response import ClientResponse
from services.chassis.rpc import batch_protocol
from services.chassis.rpc.circuit_breaker import CircuitBreaker
from services.chassis.rpc.coalescer import CallCoalescer
from services.chassis.rpc.retry_budget import RetryBudget
from services.chassis.rpc.signature import Signature
from services.chassis.runtime import deadline
from services.chassis.telemetry import metrics, tracing

T = TypeVar("T")

READ_TIMEOUT_S = 3.0
"""How long a read may take, whatever its caller has left: whoever wants it can ask again."""
WRITE_TIMEOUT_S = 10.0
"""How long a change may take: whoever gives up on one does not know whether it was made."""
_MIN_TIMEOUT_S = 0.05
"""With less left nothing is begun any more."""
_FAIR_TIMEOUT_S = 1.0
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
_DEADLINE_EXCEEDED = 504, msgspec.json.encode(_Problem("DEADLINE_EXCEEDED"))


class ServiceChannel:
    """A way to one service: its name, and its address and connections, shared by all calls.

    A call takes ``read_s`` or ``write_s`` seconds at most, and less if the present work has less left.
    """

    def __init__(
        self, name: str, origin: Origin, *, read_s: float = READ_TIMEOUT_S, write_s: float = WRITE_TIMEOUT_S
    ) -> None:
        self.name = name
        self._origin = origin
        self._read_s = read_s
        self._write_s = write_s
        self._prefixes: dict[str, RequestPrefix] = {}
        self._coalescer = CallCoalescer(self.post)
        self._breaker = CircuitBreaker(name, self._is_ready, origin.reset)
        self._retry_budget = RetryBudget()

    async def call(self, operation: Signature, arguments: bytes, fields: FieldLines) -> batch_protocol.CallResponse:
        """The status and body of the answer to a call; ``decode_result`` says what they mean.

        Reads that one caller makes at the same moment share a round trip; all else travels alone.
        """
        if operation.batchable:
            return await self._coalescer.read(operation, arguments, fields)
        return await self.call_single(operation, arguments, fields)

    def call_single(
        self, operation: Signature, arguments: bytes, fields: FieldLines, selection: bytes = b""
    ) -> Awaitable[tuple[int, bytes]]:
        """The same, for a call that has no company. ``selection``: what to pick of the result (see ``picking``)."""
        limit_s = self._read_s if operation.declared.kind == "read" else self._write_s
        picks = batch_protocol.selection_field((selection,)) if selection else b""
        return self.post(
            operation.path, arguments, fields, repeatable=operation.idempotent, limit_s=limit_s, picks=picks
        )

    def call_batch(
        self, calls: Sequence[batch_protocol.BatchCall], selections: tuple[bytes, ...], fields: FieldLines
    ) -> Awaitable[tuple[int, bytes]]:
        """The answer to a round trip: to reads of one caller, as many as it takes.

        ``selections``: what to pick of each result, empty for all of it.
        """
        picks = batch_protocol.selection_field(selections)
        return self.post(batch_protocol.PATH, batch_protocol.encode_calls(calls), fields, repeatable=True, picks=picks)

    async def post(
        self,
        path: str,
        body: bytes,
        fields: FieldLines,
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
        if self._breaker.open and not await self._breaker.try_close():
            return _UNAVAILABLE
        may_take = self._read_s if limit_s is None else limit_s
        timeout_s = deadline.expires_at() - time.monotonic()
        if timeout_s >= may_take:
            timeout_s = may_take
        elif timeout_s < min(may_take, _MIN_TIMEOUT_S):
            return _DEADLINE_EXCEEDED
        start = self._prefixes.get(path)
        if start is None:
            start = self._prefixes[path] = self._origin.start("POST", path)
        before, again = self._breaker.successes, self._may_retry if repeatable else None
        told = _call_field_lines(fields, picks, timeout_s)
        try:
            answer = await self._origin.request(start, told, body, timeout_s=timeout_s, again=again)
        except PoolExhausted:
            return _UNAVAILABLE
        except TransportError as failure:
            late = isinstance(failure, RequestTimeout)
            if not late or _counts_as_failure(timeout_s, may_take):
                self._breaker.record_failure(before)
            return _TIMED_OUT if late else _UNAVAILABLE
        if answer.status != 504:
            self._breaker.record_success()
        elif _counts_as_failure(timeout_s, may_take):
            self._breaker.record_failure(before)
        return answer.status, answer.body

    async def upload(
        self, path: str, pieces: AsyncIterable[bytes], fields: FieldLines, *, pause_s: float
    ) -> ClientResponse:
        """POST a body as it comes: the answer as it is. NoAnswer as ``Origin.upload`` says."""
        asked = self._origin.start("POST", path), _traced_field_lines(fields)
        return await self._through_breaker(self._origin.upload(*asked, pieces, pause_s=pause_s))

    async def download(self, path: str, fields: FieldLines, *, pause_s: float) -> Download:
        """GET what is read as it comes. NoAnswer as ``Origin.download`` says."""
        asked = self._origin.start("GET", path), _traced_field_lines(fields)
        return await self._through_breaker(self._origin.download(*asked, timeout_s=self._read_s, pause_s=pause_s))

    async def _through_breaker(self, asking: Coroutine[Any, Any, T]) -> T:
        """Ask for what is read as it comes or sent so, if the service may be called; it is judged by its answering."""
        if self._breaker.open and not await self._breaker.try_close():
            asking.close()
            raise ConnectionLost(f"{self.name} answers nobody", sent=False)
        before = self._breaker.successes
        try:
            answer = await asking
        except PoolExhausted:
            raise
        except TransportError:
            self._breaker.record_failure(before)
            raise
        self._breaker.record_success()
        return answer

    def _may_retry(self) -> bool:
        """Whether a call whose connection was lost is made once more."""
        over = self._breaker.open or deadline.expires_at() - time.monotonic() < _MIN_TIMEOUT_S
        if over or not self._retry_budget.take(self._breaker.successes):
            return False
        metrics.CALL_RETRIES.labels(self.name).inc()
        return True

    async def _is_ready(self) -> bool:
        """Whether somebody answers there who does not say that it is not ready."""
        start = self._origin.start("GET", "/readyz")
        try:
            answer = await self._origin.request(start, _NO_FIELDS, timeout_s=self._read_s)
        except TransportError:
            return False
        return answer.status != 503


def decode_result(
    service: str, status: int, body: bytes | msgspec.Raw, decode: Callable[[bytes | msgspec.Raw], T]
) -> T:
    """What an answer says: the result in a 200, CallFailed for all else; DecodeError for what is no such result."""
    if status == 200:
        return decode(body)
    raise decode_failure(service, status, body)


def decode_failure(service: str, status: int, body: bytes | msgspec.Raw) -> CallFailed:
    """What an answer says that is no result."""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    return CallFailed(service, status, problem.code, problem.path, problem.params)


def caller_field_lines(headers: Mapping[str, str]) -> FieldLines:
    """The header fields of calls, made once for a caller; ValueError for what is no header."""
    return request.field_lines({"Content-Type": "application/json", **headers})


_NO_FIELDS = request.field_lines({})


def _counts_as_failure(timeout_s: float, may_take: float) -> bool:
    """Whether a service that is late by then may be judged by that."""
    return timeout_s >= min(may_take, _FAIR_TIMEOUT_S)


def _call_field_lines(fields: FieldLines, picks: bytes, timeout_s: float) -> FieldLines:
    said = fields, picks, tracing.traceparent().encode(), deadline.outgoing_timeout_ms(timeout_s)
    told = b"%b%btraceparent: %b\r\nKierto-Timeout-Ms: %d\r\n" % said
    return told  # type: ignore[return-value]  # to call it Fields takes a call


def _traced_field_lines(fields: FieldLines) -> FieldLines:
    return FieldLines(b"%btraceparent: %b\r\n" % (fields, tracing.traceparent().encode()))
