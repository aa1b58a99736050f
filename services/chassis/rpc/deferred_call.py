"""Reads that leave when they are awaited: by themselves, or several together."""

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
    """A call that leaves when it is awaited: alone, or, by ``together``, with others.

    Who reads only a part of the result says so before, by ``pick``. It may be sent all of it. ``kind`` is what the
    contract declares of the result.
    """

    service: ServiceChannel
    operation: Signature
    kind: Any
    arguments: bytes
    fields: FieldLines
    selection: bytes = b""

    def select_fields(self, selection: bytes) -> None:
        """Only this part of the result is read (see ``picking``), if the call leaves by ``together``."""
        self.selection = selection

    def __await__(self) -> Generator[Any, Any, RawResult]:
        return self._send().__await__()

    async def _send(self) -> RawResult:
        outcome = self.outcome(*await self.service.call(self.operation, self.arguments, self.fields))
        if isinstance(outcome, CallFailed):
            raise outcome
        return outcome

    def outcome(self, status: int, body: bytes | msgspec.Raw) -> RawResult | CallFailed:
        """What an answer says."""
        if status in _SUCCESS_STATUSES:
            return RawResult(body, self.operation.result, partial=status == batch_protocol.PARTIAL_STATUS)
        return decode_failure(self.service.name, status, body)

    @staticmethod
    def await_batch(several: Sequence["DeferredCall"]) -> Awaitable[Iterable[RawResult | CallFailed]]:
        """What each of them gives: those that may share a round trip do, all at the same time."""
        if len(several) == 1:
            return _send_single(several)
        trips = _split_into_batches(several)
        return _send_batch(several) if len(trips) == 1 else _send_batches(several, trips)


def _split_into_batches(several: Sequence[DeferredCall]) -> list[Sequence[DeferredCall]]:
    """Who travels with whom: those of one caller to one service, as many as a round trip takes."""
    first, room = several[0], batch_protocol.MAX_ARGUMENT_BYTES
    for one in several:
        room -= len(one.arguments)
        if one.service is not first.service or one.fields is not first.fields or not one.operation.batchable:
            break
    else:
        if room >= 0 and len(several) <= batch_protocol.MAX_CALLS:
            return [several]  # which is what is usual
    trips: list[Sequence[DeferredCall]] = []
    boarding: dict[tuple[ServiceChannel, FieldLines], tuple[list[DeferredCall], int]] = {}
    for one in several:
        key = one.service, one.fields
        trip, size = boarding.get(key, ([], 0))
        size += len(one.arguments)
        if not one.operation.batchable:
            trips.append([one])
            continue
        if not trip or len(trip) == batch_protocol.MAX_CALLS or size > batch_protocol.MAX_ARGUMENT_BYTES:
            trip, size = [], len(one.arguments)
            trips.append(trip)
        trip.append(one)
        boarding[key] = trip, size
    return trips


async def _send_batches(
    several: Sequence[DeferredCall], trips: Sequence[Sequence[DeferredCall]]
) -> Iterable[RawResult | CallFailed]:
    found: dict[DeferredCall, RawResult | CallFailed] = {}
    travelling = [_send_single(trip) if len(trip) == 1 else _send_batch(trip) for trip in trips]
    for trip, outcomes in zip(trips, await asyncio.gather(*travelling), strict=True):
        found.update(zip(trip, outcomes, strict=True))
    return [found[one] for one in several]


async def _send_single(trip: Sequence[DeferredCall]) -> Iterable[RawResult | CallFailed]:
    (one,) = trip
    status, body = await one.service.call_single(one.operation, one.arguments, one.fields, one.selection)
    if status in _SUCCESS_STATUSES:
        return RawBatchResult(body, _SINGLE_FRAMING, trip, (status == batch_protocol.PARTIAL_STATUS,))
    return [one.outcome(status, body)]


async def _send_batch(trip: Sequence[DeferredCall]) -> Iterable[RawResult | CallFailed]:
    first = trip[0]
    selections = tuple([one.selection for one in trip])
    status, body = await first.service.call_batch(trip, selections, first.fields)
    if status == 200:
        return RawBatchResult(body, _BATCH_FRAMING, trip, tuple([one != b"" for one in selections]))
    return [one.outcome(status, body) for one in trip]


def _split_results(body: bytes, trip: Sequence[DeferredCall], _: object) -> Sequence[RawResult | CallFailed]:
    answers = batch_protocol.split_response(200, body, len(trip))
    return [one.outcome(*answer) for one, answer in zip(trip, answers, strict=True)]


_SUCCESS_STATUSES = (200, batch_protocol.PARTIAL_STATUS)
_BATCH_FRAMING = ResultFraming(batch_protocol.response_type, _split_results, has_statuses=True)
_SINGLE_FRAMING = ResultFraming(
    lambda types, _: types[0],
    lambda body, trip, picked: [RawResult(body, one.kind, part) for one, part in zip(trip, picked, strict=True)],
    has_statuses=False,
)
