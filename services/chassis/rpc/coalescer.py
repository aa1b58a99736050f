"""Reads of one caller that are made in one turn of the event loop travel to the service together."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from services.chassis.http.client.request import FieldLines
from services.chassis.rpc import batch_protocol
from services.chassis.rpc.batch_protocol import CallResponse
from services.chassis.rpc.signature import Signature
from services.chassis.runtime import deadline
from services.chassis.telemetry import tracing


class SendRequest(Protocol):
    """Sends a body to a path in a caller's name. Never raises: no answer is one of 503 or 504."""

    async def __call__(self, path: str, body: bytes, fields: FieldLines, *, repeatable: bool) -> tuple[int, bytes]: ...


_BatchKey = tuple[FieldLines, str | None, float]


class CallCoalescer:
    """The reads that are about to leave for one service.

    Calls share a round trip only if their header fields (who calls, in which language, from where), their trace and
    their deadline are the same. A read made alone leaves by itself, one turn of the loop later and without a task.
    """

    def __init__(self, post: SendRequest) -> None:
        self._post = post
        self._open_batches: dict[_BatchKey, _PendingBatch] = {}

    async def read(self, operation: Signature, arguments: bytes, fields: FieldLines) -> CallResponse:
        """The answer to a read. To cancel it leaves the others of its round trip alone."""
        key = fields, tracing.trace_id(), deadline.expires_at()
        trip = self._open_batches.get(key)
        if trip is not None and trip.has_capacity(arguments):
            return await trip.response_to(trip.add(operation, arguments))
        trip = self._open_batches[key] = _PendingBatch(self._post, fields, len(arguments))
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._close_batch(key, trip)
            trip.send()
            raise
        self._close_batch(key, trip)
        if not trip.has_waiters():
            return await self._post(operation.path, arguments, fields, repeatable=True)
        mine = trip.add(operation, arguments, first=True)
        trip.send()
        return await trip.response_to(mine)

    def _close_batch(self, key: _BatchKey, trip: "_PendingBatch") -> None:
        # One that was full has a successor already.
        if self._open_batches.get(key) is trip:
            del self._open_batches[key]


class _PendingCall(msgspec.Struct):
    operation: Signature
    arguments: bytes
    answer: asyncio.Future[CallResponse]


class _PendingBatch:
    """Calls that leave together. The caller who began it boards last, when it is known that somebody joined.

    ``size`` is that of the arguments that this caller will bring.
    """

    def __init__(self, post: SendRequest, fields: FieldLines, size: int) -> None:
        self._post = post
        self._fields = fields
        self._calls: list[_PendingCall] = []
        self._size = size
        self._task: asyncio.Task[None] | None = None

    def has_capacity(self, arguments: bytes) -> bool:
        """Whether one more call fits in, beside that of the caller who began it."""
        return (
            len(self._calls) < batch_protocol.MAX_CALLS - 1
            and self._size + len(arguments) <= batch_protocol.MAX_ARGUMENT_BYTES
        )

    def add(self, operation: Signature, arguments: bytes, *, first: bool = False) -> _PendingCall:
        call = _PendingCall(operation, arguments, asyncio.get_running_loop().create_future())
        self._calls.insert(0 if first else len(self._calls), call)
        self._size += len(arguments)
        return call

    def has_waiters(self) -> bool:
        """Whether anybody waits for an answer still."""
        return not all(call.answer.done() for call in self._calls)

    def send(self) -> None:
        """Send what is wanted still. A task of its own: none of those who wait for it may take it down alone."""
        self._calls = [call for call in self._calls if not call.answer.done()]
        if self._calls:
            self._task = asyncio.get_running_loop().create_task(self._exchange())

    async def response_to(self, call: _PendingCall) -> CallResponse:
        """The answer to one call. When nobody is left who waits for one, the request is cancelled."""
        try:
            return await call.answer
        except asyncio.CancelledError:
            if self._task is not None and not self.has_waiters():
                self._task.cancel()
            raise

    async def _exchange(self) -> None:
        answers: Sequence[CallResponse] = [(502, b"")] * len(self._calls)
        try:
            status, answer = await self._post(
                batch_protocol.PATH, batch_protocol.encode_calls(self._calls), self._fields, repeatable=True
            )
            answers = batch_protocol.split_response(status, answer, len(self._calls))
        finally:
            # Whatever happened: nobody is left waiting.
            for call, its in zip(self._calls, answers, strict=True):
                if not call.answer.done():
                    call.answer.set_result(its)
