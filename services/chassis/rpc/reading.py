"""Reads that leave when they are awaited: by themselves, or several together."""

import asyncio
from collections.abc import Generator, Sequence
from typing import Any

import msgspec

from services.chassis.http_client.request import Fields
from services.chassis.rpc import round_trip
from services.chassis.rpc.service import CallFailed, Service, failure
from services.chassis.rpc.signature import Signature
from services.chassis.rpc.undecoded import Undecoded, UndecodedTogether


class Reading:
    """A call that leaves when it is awaited: alone, or, by ``together``, with others."""

    __slots__ = ("arguments", "fields", "operation", "service")

    def __init__(self, service: Service, operation: Signature, arguments: bytes, fields: Fields) -> None:
        self.service = service
        self.operation = operation
        self.arguments = arguments
        self.fields = fields

    def __await__(self) -> Generator[Any, Any, Undecoded]:
        return self._made().__await__()

    async def _made(self) -> Undecoded:
        outcome = self._outcome(*await self.service.ask(self.operation, self.arguments, self.fields))
        if isinstance(outcome, CallFailed):
            raise outcome
        return outcome

    def _outcome(self, status: int, body: bytes | msgspec.Raw) -> Undecoded | CallFailed:
        return Undecoded(body, self.operation.result) if status == 200 else failure(self.service.name, status, body)

    @staticmethod
    async def together(several: Sequence["Reading"]) -> Sequence[Undecoded | CallFailed]:
        """What each of them gives: those that may share a round trip do, all at the same time."""
        trips = _trips(several) if len(several) > 1 else [several]
        if len(trips) == 1:
            return await _travel(trips[0])
        found: dict[Reading, Undecoded | CallFailed] = {}
        for trip, outcomes in zip(trips, await asyncio.gather(*map(_travel, trips)), strict=True):
            found.update(zip(trip, outcomes, strict=True))
        return [found[one] for one in several]


def _trips(several: Sequence[Reading]) -> list[Sequence[Reading]]:
    """Who travels with whom: those of one caller to one service, as many as a round trip takes."""
    trips: list[Sequence[Reading]] = []
    boarding: dict[tuple[Service, Fields], tuple[list[Reading], int]] = {}
    for one in several:
        key = one.service, one.fields
        trip, size = boarding.get(key, ([], 0))
        size += len(one.arguments)
        if not one.operation.shares_round_trips:
            trips.append([one])
            continue
        if not trip or len(trip) == round_trip.MOST_CALLS or size > round_trip.LARGEST:
            trip, size = [], len(one.arguments)
            trips.append(trip)
        trip.append(one)
        boarding[key] = trip, size
    return trips


async def _travel(trip: Sequence[Reading]) -> Sequence[Undecoded | CallFailed]:
    first = trip[0]
    if len(trip) == 1:
        return [first._outcome(*await first.service.ask_alone(first.operation, first.arguments, first.fields))]
    calls = [(one.operation.name, one.arguments) for one in trip]
    status, body = await first.service.ask_together(calls, first.fields)

    def apart() -> Sequence[Undecoded | CallFailed]:
        answers = round_trip.each(status, body, len(trip))
        return [one._outcome(*answer) for one, answer in zip(trip, answers, strict=True)]

    if status != 200:
        return apart()
    return UndecodedTogether(body, [one.operation.result for one in trip], round_trip.whole, apart)
