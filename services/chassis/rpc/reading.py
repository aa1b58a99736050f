"""Reads that leave when they are awaited: by themselves, or several together."""

import asyncio
from collections.abc import Awaitable, Generator, Iterable, Sequence
from typing import Any

import msgspec

from services.chassis.http_client.request import Fields
from services.chassis.rpc import round_trip
from services.chassis.rpc.service import CallFailed, Service, failure
from services.chassis.rpc.signature import Signature
from services.chassis.rpc.undecoded import Form, Undecoded, UndecodedTogether


class Reading(msgspec.Struct, eq=False):
    """A call that leaves when it is awaited: alone, or, by ``together``, with others.

    Who reads only a part of the result says so before, by ``pick``. It may be sent all of it. ``kind`` is what the
    contract declares of the result.
    """

    service: Service
    operation: Signature
    kind: Any
    arguments: bytes
    fields: Fields
    selection: bytes = b""

    def pick(self, selection: bytes) -> None:
        """Only this part of the result is read (see ``picking``), if the call leaves by ``together``."""
        self.selection = selection

    def __await__(self) -> Generator[Any, Any, Undecoded]:
        return self._made().__await__()

    async def _made(self) -> Undecoded:
        outcome = self.outcome(*await self.service.ask(self.operation, self.arguments, self.fields))
        if isinstance(outcome, CallFailed):
            raise outcome
        return outcome

    def outcome(self, status: int, body: bytes | msgspec.Raw) -> Undecoded | CallFailed:
        """What an answer says."""
        if status in _RESULTS:
            return Undecoded(body, self.operation.result, picked=status == round_trip.PICKED)
        return failure(self.service.name, status, body)

    @staticmethod
    def together(several: Sequence["Reading"]) -> Awaitable[Iterable[Undecoded | CallFailed]]:
        """What each of them gives: those that may share a round trip do, all at the same time."""
        if len(several) == 1:
            return _travel_alone(several)
        trips = _trips(several)
        return _travel(several) if len(trips) == 1 else _travel_each(several, trips)


def _trips(several: Sequence[Reading]) -> list[Sequence[Reading]]:
    """Who travels with whom: those of one caller to one service, as many as a round trip takes."""
    first, room = several[0], round_trip.LARGEST
    for one in several:
        room -= len(one.arguments)
        if one.service is not first.service or one.fields is not first.fields or not one.operation.shares_round_trips:
            break
    else:
        if room >= 0 and len(several) <= round_trip.MOST_CALLS:
            return [several]  # which is what is usual
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


async def _travel_each(
    several: Sequence[Reading], trips: Sequence[Sequence[Reading]]
) -> Iterable[Undecoded | CallFailed]:
    found: dict[Reading, Undecoded | CallFailed] = {}
    travelling = [_travel_alone(trip) if len(trip) == 1 else _travel(trip) for trip in trips]
    for trip, outcomes in zip(trips, await asyncio.gather(*travelling), strict=True):
        found.update(zip(trip, outcomes, strict=True))
    return [found[one] for one in several]


async def _travel_alone(trip: Sequence[Reading]) -> Iterable[Undecoded | CallFailed]:
    (one,) = trip
    status, body = await one.service.ask_alone(one.operation, one.arguments, one.fields, one.selection)
    if status in _RESULTS:
        return UndecodedTogether(body, _ALONE, trip, (status == round_trip.PICKED,))
    return [one.outcome(status, body)]


async def _travel(trip: Sequence[Reading]) -> Iterable[Undecoded | CallFailed]:
    first = trip[0]
    selections = tuple([one.selection for one in trip])
    status, body = await first.service.ask_together(trip, selections, first.fields)
    if status == 200:
        return UndecodedTogether(body, _TOGETHER, trip, tuple([one != b"" for one in selections]))
    return [one.outcome(status, body) for one in trip]


def _apart(body: bytes, trip: Sequence[Reading], _: object) -> Sequence[Undecoded | CallFailed]:
    answers = round_trip.each(200, body, len(trip))
    return [one.outcome(*answer) for one, answer in zip(trip, answers, strict=True)]


_RESULTS = (200, round_trip.PICKED)
_TOGETHER = Form(round_trip.whole, _apart, framed=True)
_ALONE = Form(
    lambda types, _: types[0],
    lambda body, trip, picked: [Undecoded(body, one.kind, part) for one, part in zip(trip, picked, strict=True)],
    framed=False,
)
