"""Channel to one service: timeouts, retries, circuit breaking and the meaning of responses."""

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
from services.chassis.rpc import batch_protocol, call_spans
from services.chassis.rpc.circuit_breaker import CircuitBreaker
from services.chassis.rpc.retry_budget import RetryBudget
from services.chassis.rpc.signature import Signature
from services.chassis.runtime import deadline
from services.chassis.telemetry import metrics, tracing
from services.chassis.telemetry.spans import SpanRecording

T = TypeVar("T")

READ_TIMEOUT_S = 3.0
"""Timeout of a read, even if its caller has more time: a read can be repeated."""
WRITE_TIMEOUT_S = 10.0
"""Timeout of a write: an abandoned one leaves open whether it took effect."""
_MIN_TIMEOUT_S = 0.05
"""Remaining time below which no call is started."""
_FAIR_TIMEOUT_S = 1.0
"""Timeout below which a timed-out call does not count as the service's failure."""


class CallFailed(Exception):
    """A call without a result: malformed, unauthenticated, or the service could not respond."""

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
    """Channel to a service, shared by all of its clients.

    A call takes at most ``read_s`` or ``write_s`` seconds, or the remaining time of the present work if that is less.
    """

    def __init__(
        self, name: str, origin: Origin, *, read_s: float = READ_TIMEOUT_S, write_s: float = WRITE_TIMEOUT_S
    ) -> None:
        self.name = name
        self._origin = origin
        self._read_s = read_s
        self._write_s = write_s
        self._prefixes: dict[str, RequestPrefix] = {}
        self._breaker = CircuitBreaker(name, self._is_ready, origin.reset)
        self._retry_budget = RetryBudget()

    def call(
        self, operation: Signature, arguments: bytes, fields: FieldLines, selection: bytes = b""
    ) -> Awaitable[tuple[int, bytes]]:
        """Send a call and return the status and body of the response, for ``decode_result``.

        ``selection`` states the fields of the result to send (see ``field_selection``); empty for all.
        """
        limit_s = self._read_s if operation.declared.kind == "read" else self._write_s
        picks = batch_protocol.selection_field((selection,)) if selection else b""
        return self.post(
            operation.path, arguments, fields, repeatable=operation.idempotent, limit_s=limit_s, picks=picks
        )

    def call_batch(
        self, calls: Sequence[batch_protocol.BatchCall], selections: tuple[bytes, ...], fields: FieldLines
    ) -> Awaitable[tuple[int, bytes]]:
        """Send reads of one caller as a batch; a selection is empty for a whole result."""
        picks = batch_protocol.selection_field(selections)
        return self.post(batch_protocol.PATH, batch_protocol.encode_calls(calls), fields, repeatable=True, picks=picks)

    def post(
        self,
        path: str,
        body: bytes,
        fields: FieldLines,
        *,
        repeatable: bool,
        limit_s: float | None = None,
        picks: bytes = b"",
    ) -> Coroutine[Any, Any, tuple[int, bytes]]:
        """POST JSON and return the response's status and body; 503 or 504 without a response.

        ``picks`` is the header line with the selection. A ``repeatable`` call is retried once after a lost connection,
        within the retry budget and the remaining time: ``limit_s`` (None: that of a read) or the present deadline.
        """
        sending = self._post(path, body, fields, repeatable, limit_s, picks)
        return sending if SpanRecording.tracer is None else self._with_span(path, sending)

    async def _with_span(self, path: str, sending: Coroutine[Any, Any, tuple[int, bytes]]) -> tuple[int, bytes]:
        with call_spans.client_span(self.name, path) as span:
            status, body = await sending
            if span is not None:
                call_spans.record_client_status(span, status)
            return status, body

    async def _post(
        self, path: str, body: bytes, fields: FieldLines, repeatable: bool, limit_s: float | None, picks: bytes
    ) -> tuple[int, bytes]:
        if self._breaker.open and not await self._breaker.try_close():
            return _UNAVAILABLE
        max_s = self._read_s if limit_s is None else limit_s
        timeout_s = deadline.expires_at() - time.monotonic()
        if timeout_s >= max_s:
            timeout_s = max_s
        elif timeout_s < min(max_s, _MIN_TIMEOUT_S):
            return _DEADLINE_EXCEEDED
        start = self._prefixes.get(path)
        if start is None:
            start = self._prefixes[path] = self._origin.start("POST", path)
        successes, may_retry = self._breaker.successes, self._may_retry if repeatable else None
        call_fields = _call_field_lines(fields, picks, timeout_s)
        try:
            response = await self._origin.request(start, call_fields, body, timeout_s=timeout_s, may_retry=may_retry)
        except PoolExhausted:
            return _UNAVAILABLE
        except TransportError as error:
            timed_out = isinstance(error, RequestTimeout)
            if not timed_out or _counts_as_failure(timeout_s, max_s):
                self._breaker.record_failure(successes)
            return _TIMED_OUT if timed_out else _UNAVAILABLE
        if response.status != 504:
            self._breaker.record_success()
        elif _counts_as_failure(timeout_s, max_s):
            self._breaker.record_failure(successes)
        return response.status, response.body

    async def upload(
        self, path: str, chunks: AsyncIterable[bytes], fields: FieldLines, *, pause_s: float
    ) -> ClientResponse:
        """POST a streamed body and return the response; errors are those of ``Origin.upload``."""
        start, lines = self._origin.start("POST", path), _traced_field_lines(fields)
        return await self._through_breaker(self._origin.upload(start, lines, chunks, pause_s=pause_s))

    async def download(self, path: str, fields: FieldLines, *, pause_s: float) -> Download:
        """GET a streamed response; errors are those of ``Origin.download``."""
        start, lines = self._origin.start("GET", path), _traced_field_lines(fields)
        return await self._through_breaker(self._origin.download(start, lines, timeout_s=self._read_s, pause_s=pause_s))

    async def _through_breaker(self, exchange: Coroutine[Any, Any, T]) -> T:
        """Run an upload or download unless the breaker is open, and record its outcome."""
        if self._breaker.open and not await self._breaker.try_close():
            exchange.close()
            raise ConnectionLost(f"{self.name}: the circuit breaker is open", sent=False)
        successes = self._breaker.successes
        try:
            response = await exchange
        except PoolExhausted:
            raise
        except TransportError:
            self._breaker.record_failure(successes)
            raise
        self._breaker.record_success()
        return response

    def _may_retry(self) -> bool:
        """Return whether a call whose connection was lost is sent once more."""
        too_late = deadline.expires_at() - time.monotonic() < _MIN_TIMEOUT_S
        if self._breaker.open or too_late or not self._retry_budget.take(self._breaker.successes):
            return False
        metrics.CALL_RETRIES.labels(self.name).inc()
        return True

    async def _is_ready(self) -> bool:
        """Return whether the service responds, with another status than 503."""
        start = self._origin.start("GET", "/readyz")
        try:
            response = await self._origin.request(start, _NO_FIELDS, timeout_s=self._read_s)
        except TransportError:
            return False
        return response.status != 503


def decode_result(
    service: str, status: int, body: bytes | msgspec.Raw, decode: Callable[[bytes | msgspec.Raw], T]
) -> T:
    """Return the result in a 200; raise CallFailed for any other status, DecodeError for a malformed result."""
    if status == 200:
        return decode(body)
    raise decode_failure(service, status, body)


def decode_failure(service: str, status: int, body: bytes | msgspec.Raw) -> CallFailed:
    """Return the failure in a response without a result."""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    return CallFailed(service, status, problem.code, problem.path, problem.params)


def caller_field_lines(headers: Mapping[str, str]) -> FieldLines:
    """Return the header lines of a caller's calls; raise ValueError for malformed headers."""
    return request.field_lines({"Content-Type": "application/json", **headers})


_NO_FIELDS = request.field_lines({})


def _counts_as_failure(timeout_s: float, max_s: float) -> bool:
    """Return whether a timeout counts as the service's failure."""
    return timeout_s >= min(max_s, _FAIR_TIMEOUT_S)


def _call_field_lines(fields: FieldLines, picks: bytes, timeout_s: float) -> FieldLines:
    values = fields, picks, tracing.traceparent().encode(), deadline.outgoing_timeout_ms(timeout_s)
    lines = b"%b%btraceparent: %b\r\nKierto-Timeout-Ms: %d\r\n" % values
    return lines  # type: ignore[return-value]  # FieldLines(...) would cost a call


def _traced_field_lines(fields: FieldLines) -> FieldLines:
    return FieldLines(b"%btraceparent: %b\r\n" % (fields, tracing.traceparent().encode()))
