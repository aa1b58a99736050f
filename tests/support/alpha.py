"""A service that exists for tests of the chassis: it announces things, listens to its own kind, and keeps a tally."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from services.chassis.consumer import Consumer, Handlers
from services.chassis.envelope import Received
from services.chassis.ids import new_uuid, write_id
from services.chassis.postgres import Pool
from services.chassis.relay import Relay
from services.chassis.transaction import PostgresWork, Transaction
from services.contracts.declare import Event, announces, topic_of
from tests.support.clock import TestClock
from tests.support.servers import Servers

MIGRATIONS = Path(__file__).parent / "alpha_migrations"


@announces("alpha.thing.counted", subject="thing_id", public=True)
class ThingCounted(Event, frozen=True, kw_only=True):
    """A thing was counted. ``spoilt`` makes its handler fail, as long as the database says so."""

    thing_id: str
    organisation_id: str | None = None
    number: int
    spoilt: bool = False


class Alpha:
    """The service under a name of its own, so that tests side by side have topics of their own."""

    def __init__(self, servers: Servers, url: str, pool: Pool, clock: TestClock) -> None:
        self.name = f"alpha{new_uuid().hex[-12:]}"
        self.topic = topic_of(self.name)
        self.servers = servers
        self.url = url
        self.pool = pool
        self.work: PostgresWork[Transaction] = PostgresWork(pool, clock, Transaction, lambda: None)
        self.spoilt: set[int] = set()

    async def announce(
        self, numbers: Sequence[int], *, thing: str = "thing_1", organisation: str | None = None
    ) -> None:
        """Announce a thing's numbers, one transaction each."""
        for number in numbers:
            async with self.work() as tx:
                tx.emit(ThingCounted(thing_id=thing, organisation_id=organisation, number=number))

    def relay(self, holder: str = "1") -> Relay:
        return Relay(self.name, self.url, self.servers.kafka, f"{self.name}.{holder}")

    def consumer(self, retry_s: float = 0.3, bad_in_a_row: int = 20) -> Consumer[Transaction]:
        async def count(tx: Transaction, event: Received[ThingCounted]) -> None:
            await tx.connection.execute(
                "INSERT INTO tally (thing, number) VALUES ($1, $2)", event.data.thing_id, event.data.number
            )
            if event.data.number in self.spoilt:
                raise ValueError("this number can't be counted")

        handlers: Handlers[Transaction] = {ThingCounted: count}
        return Consumer(
            self.name,
            1,
            self.servers.kafka,
            [self.topic],
            handlers,
            self.pool,
            self.work,
            retry_s=retry_s,
            bad_in_a_row=bad_in_a_row,
        )

    async def tally(self, thing: str = "thing_1") -> list[int]:
        """What took effect, in the order in which it did."""
        rows = await self.pool.fetch("SELECT number FROM tally WHERE thing = $1 ORDER BY place", thing)
        return [row["number"] for row in rows]


@contextlib.asynccontextmanager
async def running(*parts: Relay | Consumer[Transaction]) -> AsyncIterator[None]:
    """Run relays and consumers for the length of a block."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part.run(stop)) for part in parts]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


def organisation() -> str:
    """An organisation's id."""
    return write_id("org", new_uuid())
