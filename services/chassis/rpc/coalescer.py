"""Coalescing of reads: those of one caller in one iteration of the event loop are sent as a batch."""

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
    """Function that posts a body with a caller's header lines. It never raises: no response is a 503 or 504."""

    async def __call__(self, path: str, body: bytes, fields: FieldLines, *, repeatable: bool) -> tuple[int, bytes]: ...


_BatchKey = tuple[FieldLines, str | None, float]


class CallCoalescer:
    """Coalescer of the reads of one service.

    Calls share a batch only if their header fields (caller, language, address), trace and deadline are equal. A read
    without others is sent singly, one iteration of the loop later and without a task.
    """

    def __init__(self, post: SendRequest) -> None:
        self._post = post
        self._open_batches: dict[_BatchKey, _PendingBatch] = {}

    async def read(self, operation: Signature, arguments: bytes, fields: FieldLines) -> CallResponse:
        """Return the response to a read. Cancellation does not affect the other calls of its batch."""
        key = fields, tracing.trace_id(), deadline.expires_at()
        batch = self._open_batches.get(key)
        if batch is not None and batch.has_capacity(arguments):
            return await batch.response_to(batch.add(operation, arguments))
        batch = self._open_batches[key] = _PendingBatch(self._post, fields, len(arguments))
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._close_batch(key, batch)
            batch.send()
            raise
        self._close_batch(key, batch)
        if not batch.has_waiters():
            return await self._post(operation.path, arguments, fields, repeatable=True)
        mine = batch.add(operation, arguments, first=True)
        batch.send()
        return await batch.response_to(mine)

    def _close_batch(self, key: _BatchKey, batch: "_PendingBatch") -> None:
        # A full batch has been replaced already.
        if self._open_batches.get(key) is batch:
            del self._open_batches[key]


class _PendingCall(msgspec.Struct):
    operation: Signature
    arguments: bytes
    response: asyncio.Future[CallResponse]


class _PendingBatch:
    """A batch that is being collected. Its first call is added last, once another has joined.

    ``size`` is that of the first call's arguments.
    """

    def __init__(self, post: SendRequest, fields: FieldLines, size: int) -> None:
        self._post = post
        self._fields = fields
        self._calls: list[_PendingCall] = []
        self._size = size
        self._task: asyncio.Task[None] | None = None

    def has_capacity(self, arguments: bytes) -> bool:
        """Return whether one more call fits, besides the first one."""
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
        """Return whether any call still awaits its response."""
        return not all(call.response.done() for call in self._calls)

    def send(self) -> None:
        """Send the calls that are still awaited, in a separate task that no single caller's cancellation ends."""
        self._calls = [call for call in self._calls if not call.response.done()]
        if self._calls:
            self._task = asyncio.get_running_loop().create_task(self._exchange())

    async def response_to(self, call: _PendingCall) -> CallResponse:
        """Return the response to a call. The request is cancelled with the last waiting call."""
        try:
            return await call.response
        except asyncio.CancelledError:
            if self._task is not None and not self.has_waiters():
                self._task.cancel()
            raise

    async def _exchange(self) -> None:
        responses: Sequence[CallResponse] = [(502, b"")] * len(self._calls)
        try:
            status, body = await self._post(
                batch_protocol.PATH, batch_protocol.encode_calls(self._calls), self._fields, repeatable=True
            )
            responses = batch_protocol.split_response(status, body, len(self._calls))
        finally:
            for call, response in zip(self._calls, responses, strict=True):
                if not call.response.done():
                    call.response.set_result(response)
