"""Reads of one caller that are made in one turn of the event loop travel to the service together."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from services.chassis import deadline, tracing
from services.chassis.http_client.request import Fields
from services.chassis.rpc import round_trip
from services.chassis.rpc.round_trip import Answer
from services.chassis.rpc.signature import Signature


class Post(Protocol):
    """Sends a body to a path in a caller's name. Never raises: no answer is one of 503 or 504."""

    async def __call__(self, path: str, body: bytes, fields: Fields, *, repeatable: bool) -> tuple[int, bytes]: ...


_Company = tuple[Fields, str | None, float]


class Gathering:
    """The reads that are about to leave for one service.

    Calls share a round trip only if their header fields (who calls, in which language, from where), their trace and
    their deadline are the same. A read made alone leaves by itself, one turn of the loop later and without a task.
    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._boarding: dict[_Company, _RoundTrip] = {}

    async def read(self, operation: Signature, arguments: bytes, fields: Fields) -> Answer:
        """The answer to a read. To cancel it leaves the others of its round trip alone."""
        key = fields, tracing.trace_id(), deadline.until()
        trip = self._boarding.get(key)
        if trip is not None and trip.has_room(arguments):
            return await trip.answer_to(trip.board(operation, arguments))
        trip = self._boarding[key] = _RoundTrip(self._post, fields, len(arguments))
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._leave(key, trip)
            trip.depart()
            raise
        self._leave(key, trip)
        if not trip.wanted():
            return await self._post(operation.path, arguments, fields, repeatable=True)
        mine = trip.board(operation, arguments, first=True)
        trip.depart()
        return await trip.answer_to(mine)

    def _leave(self, key: _Company, trip: "_RoundTrip") -> None:
        # One that was full has a successor already.
        if self._boarding.get(key) is trip:
            del self._boarding[key]


class _Call(msgspec.Struct):
    operation: Signature
    arguments: bytes
    answer: asyncio.Future[Answer]


class _RoundTrip:
    """Calls that leave together. The caller who began it boards last, when it is known that somebody joined.

    ``size`` is that of the arguments that this caller will bring.
    """

    def __init__(self, post: Post, fields: Fields, size: int) -> None:
        self._post = post
        self._fields = fields
        self._calls: list[_Call] = []
        self._size = size
        self._travelling: asyncio.Task[None] | None = None

    def has_room(self, arguments: bytes) -> bool:
        """Whether one more call fits in, beside that of the caller who began it."""
        return len(self._calls) < round_trip.MOST_CALLS - 1 and self._size + len(arguments) <= round_trip.LARGEST

    def board(self, operation: Signature, arguments: bytes, *, first: bool = False) -> _Call:
        call = _Call(operation, arguments, asyncio.get_running_loop().create_future())
        self._calls.insert(0 if first else len(self._calls), call)
        self._size += len(arguments)
        return call

    def wanted(self) -> bool:
        """Whether anybody waits for an answer still."""
        return not all(call.answer.done() for call in self._calls)

    def depart(self) -> None:
        """Send what is wanted still. A task of its own: none of those who wait for it may take it down alone."""
        self._calls = [call for call in self._calls if not call.answer.done()]
        if self._calls:
            self._travelling = asyncio.get_running_loop().create_task(self._travel())

    async def answer_to(self, call: _Call) -> Answer:
        """The answer to one call. When nobody is left who waits for one, the request is cancelled."""
        try:
            return await call.answer
        except asyncio.CancelledError:
            if self._travelling is not None and not self.wanted():
                self._travelling.cancel()
            raise

    async def _travel(self) -> None:
        answers: Sequence[Answer] = [(502, b"")] * len(self._calls)
        try:
            status, answer = await self._post(
                round_trip.PATH, round_trip.body(self._calls), self._fields, repeatable=True
            )
            answers = round_trip.each(status, answer, len(self._calls))
        finally:
            # Whatever happened: nobody is left waiting.
            for call, its in zip(self._calls, answers, strict=True):
                if not call.answer.done():
                    call.answer.set_result(its)
