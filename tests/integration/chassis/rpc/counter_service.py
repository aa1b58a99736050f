"""A counter as a service on PostgreSQL: fast or slow, with an idempotency key or without."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from starlette.requests import Request

from services.chassis.http.client.origin import Origin
from services.chassis.rpc.channel import ServiceChannel
from services.chassis.rpc.client import client
from services.chassis.rpc.server import routes
from services.chassis.runtime import deadline
from services.contracts.declare import read, write
from services.contracts.permission import PEOPLE
from services.contracts.values import Outcome, Refusal, Value
from tests.support.alpha import Alpha, ThingCounted
from tests.support.http_server import serve_routes
from tests.support.permit import PermitAll


class Count(Value, frozen=True, kw_only=True):
    idempotency_key: str
    number: int
    seconds: float = 0.0


class Counted(Outcome, frozen=True, kw_only=True):
    place: int


class CounterContract(Protocol):
    """A counter."""

    @write(PEOPLE)
    async def count(self, command: Count) -> Counted | Refusal: ...

    @write(PEOPLE)
    async def add(self, number: int) -> int: ...

    @write(PEOPLE)
    async def add_slowly(self, number: int, seconds: float) -> int: ...

    @read(PEOPLE)
    async def numbers(self) -> list[int]: ...

    @read(PEOPLE)
    async def rest(self, seconds: float) -> bool: ...

    @read(PEOPLE)
    async def left(self) -> float | None: ...

    @read(PEOPLE)
    async def left_of_neighbour(self) -> float | None: ...


class CounterImplementation:
    def __init__(self, alpha: Alpha, neighbour: ServiceChannel | None) -> None:
        self._alpha = alpha
        self._neighbour = neighbour

    async def count(self, command: Count) -> Counted | Refusal:
        async with self._alpha.work() as tx:

            async def do() -> Counted | Refusal:
                added = "INSERT INTO tally (thing, number) VALUES ('thing_1', $1) RETURNING place"
                counted = Counted(place=await tx.connection.fetchval(added, command.number))
                await tx.connection.execute("SELECT pg_sleep($1)", command.seconds)
                return counted

            async def read_again(ids: Sequence[str]) -> Counted | None:
                return Counted(place=int(ids[0]))

            return await tx.execute_once(
                organisation="org_1",
                caller="user_1",
                operation="count",
                command=command,
                do=do,
                ids=lambda counted: [str(counted.place)],
                read_again={Counted: read_again},
            )

    async def add(self, number: int) -> int:
        await self._alpha.pool.execute("INSERT INTO tally (thing, number) VALUES ('thing_1', $1)", number)
        return number

    async def add_slowly(self, number: int, seconds: float) -> int:
        async with self._alpha.work() as tx:
            await tx.connection.execute("INSERT INTO tally (thing, number) VALUES ('thing_1', $1)", number)
            tx.emit(ThingCounted(thing_id="thing_1", number=number))
            await tx.connection.execute("SELECT pg_sleep($1)", seconds)
            return number

    async def numbers(self) -> list[int]:
        return await self._alpha.tally()

    async def rest(self, seconds: float) -> bool:
        await self._alpha.pool.execute("SELECT pg_sleep($1)", seconds)
        return True

    async def left(self) -> float | None:
        return deadline.remaining()

    async def left_of_neighbour(self) -> float | None:
        assert self._neighbour is not None
        await asyncio.sleep(0.1)
        return await client(CounterContract, self._neighbour, {}).left()


@contextlib.asynccontextmanager
async def run_counter(alpha: Alpha, neighbour: ServiceChannel | None = None) -> AsyncIterator[str]:
    """Serve the counter and return its address."""

    async def anybody(_: Request) -> CounterImplementation:
        return CounterImplementation(alpha, neighbour)

    async with serve_routes(routes(CounterContract, lambda one: one, anybody, anybody, PermitAll())) as url:
        yield url


@contextlib.asynccontextmanager
async def client_of(url: str) -> AsyncIterator[ServiceChannel]:
    """Open a channel to a service with the name counting."""
    async with Origin(url) as origin:
        yield ServiceChannel("counting", origin)
