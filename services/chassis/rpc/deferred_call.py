"""Deferred calls: reads that are sent when they are awaited, singly or as a batch."""

import asyncio
from collections.abc import Awaitable, Generator, Iterable, Sequence
from typing import Any

import msgspec

from services.chassis.http.client.request import FieldLines
from services.chassis.rpc import batch_protocol
from services.chassis.rpc.channel import CallFailed, ServiceChannel, decode_failure
from services.chassis.rpc.raw_result import RawBatchResult, RawResult, ResultFraming
from services.chassis.rpc.signature import Signature


class DeferredCall(msgspec.Struct, eq=False):
    """A call that is sent when it is awaited: singly, or with others by ``await_batch``."""

    service: ServiceChannel
    operation: Signature
    kind: Any
    """The declared type of the result."""
    arguments: bytes
    fields: FieldLines
    """The caller's header lines."""
    selection: bytes = b""
    """The fields of the result that are read; empty for all."""

    def select_fields(self, selection: bytes) -> None:
        """Select the fields that are read (see ``field_selection``). A call by ``await_batch`` may omit the others."""
        self.selection = selection

    def __await__(self) -> Generator[Any, Any, RawResult]:
        return self._send().__await__()

    async def _send(self) -> RawResult:
        outcome = self.outcome(*await self.service.call(self.operation, self.arguments, self.fields))
        if isinstance(outcome, CallFailed):
            raise outcome
        return outcome

    def outcome(self, status: int, body: bytes | msgspec.Raw) -> RawResult | CallFailed:
        """Return the result or the failure in a response."""
        if status in _SUCCESS_STATUSES:
            return RawResult(body, self.operation.result, partial=status == batch_protocol.PARTIAL_STATUS)
        return decode_failure(self.service.name, status, body)

    @staticmethod
    def await_batch(several: Sequence["DeferredCall"]) -> Awaitable[Iterable[RawResult | CallFailed]]:
        """Send calls at the same time, in as few batches as possible, and return their outcomes."""
        if len(several) == 1:
            return _send_single(several)
        batches = _split_into_batches(several)
        return _send_batch(several) if len(batches) == 1 else _send_batches(several, batches)


def _split_into_batches(calls: Sequence[DeferredCall]) -> list[Sequence[DeferredCall]]:
    """Group the calls of one caller to one service, within the limits of a batch."""
    first, capacity = calls[0], batch_protocol.MAX_ARGUMENT_BYTES
    for call in calls:
        capacity -= len(call.arguments)
        if call.service is not first.service or call.fields is not first.fields or not call.operation.batchable:
            break
    else:
        if capacity >= 0 and len(calls) <= batch_protocol.MAX_CALLS:
            return [calls]  # the usual case
    batches: list[Sequence[DeferredCall]] = []
    open_batches: dict[tuple[ServiceChannel, FieldLines], tuple[list[DeferredCall], int]] = {}
    for call in calls:
        key = call.service, call.fields
        batch, size = open_batches.get(key, ([], 0))
        size += len(call.arguments)
        if not call.operation.batchable:
            batches.append([call])
            continue
        if not batch or len(batch) == batch_protocol.MAX_CALLS or size > batch_protocol.MAX_ARGUMENT_BYTES:
            batch, size = [], len(call.arguments)
            batches.append(batch)
        batch.append(call)
        open_batches[key] = batch, size
    return batches


async def _send_batches(
    calls: Sequence[DeferredCall], batches: Sequence[Sequence[DeferredCall]]
) -> Iterable[RawResult | CallFailed]:
    outcome_of: dict[DeferredCall, RawResult | CallFailed] = {}
    sending = [_send_single(batch) if len(batch) == 1 else _send_batch(batch) for batch in batches]
    for batch, outcomes in zip(batches, await asyncio.gather(*sending), strict=True):
        outcome_of.update(zip(batch, outcomes, strict=True))
    return [outcome_of[call] for call in calls]


async def _send_single(batch: Sequence[DeferredCall]) -> Iterable[RawResult | CallFailed]:
    (call,) = batch
    status, body = await call.service.call(call.operation, call.arguments, call.fields, call.selection)
    if status in _SUCCESS_STATUSES:
        return RawBatchResult(body, _SINGLE_FRAMING, batch, (status == batch_protocol.PARTIAL_STATUS,))
    return [call.outcome(status, body)]


async def _send_batch(batch: Sequence[DeferredCall]) -> Iterable[RawResult | CallFailed]:
    first = batch[0]
    selections = tuple([call.selection for call in batch])
    status, body = await first.service.call_batch(batch, selections, first.fields)
    if status == 200:
        return RawBatchResult(body, _BATCH_FRAMING, batch, tuple([one != b"" for one in selections]))
    return [call.outcome(status, body) for call in batch]


def _split_results(body: bytes, batch: Sequence[DeferredCall], _: object) -> Sequence[RawResult | CallFailed]:
    responses = batch_protocol.split_response(200, body, len(batch))
    return [call.outcome(*response) for call, response in zip(batch, responses, strict=True)]


_SUCCESS_STATUSES = (200, batch_protocol.PARTIAL_STATUS)
_BATCH_FRAMING = ResultFraming(batch_protocol.response_type, _split_results, has_statuses=True)
_SINGLE_FRAMING = ResultFraming(
    lambda types, _: types[0],
    lambda body, batch, partial: [RawResult(body, one.kind, part) for one, part in zip(batch, partial, strict=True)],
    has_statuses=False,
)
