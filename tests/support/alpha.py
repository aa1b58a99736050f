"""A service for tests of the chassis: it emits events, consumes its own events, and keeps a tally of them."""

import asyncio
import contextlib
import enum
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from services.chassis.db.postgres import Pool
from services.chassis.events.consume.consumer import Consumer
from services.chassis.events.consume.handlers import Handlers, batch_handler
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.events.publish.relay import Relay
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.ids import new_uuid, write_id
from services.contracts.declare import Event, declare_event, topic_of
from tests.support.clock import TestClock
from tests.support.servers import Servers

MIGRATIONS = Path(__file__).parent / "alpha_migrations"


@declare_event("alpha.thing.counted", subject="thing_id", public=True)
class ThingCounted(Event, frozen=True, kw_only=True):
    """Event: a thing was counted."""

    thing_id: str
    organisation_id: str | None = None
    number: int
    spoilt: bool = False
    text: str = ""


@declare_event("alpha.thing.weighed", subject="thing_id")
class ThingWeighed(Event, frozen=True, kw_only=True):
    """Event with a batch handler: a thing was weighed."""

    thing_id: str
    number: int


class Colour(enum.Enum):
    """The colour of a thing."""

    RED = "RED"
    GREEN = "GREEN"


@declare_event("alpha.thing.stated", subject="thing_id")
class ThingStated(Event, frozen=True, kw_only=True):
    """A thing as it is now, keyed by its subject."""

    thing_id: str
    organisation_id: str | None = None
    number: int
    colour: Colour = Colour.RED


class Alpha:
    """The service, with a name and so topics of its own, for tests that run in parallel."""

    def __init__(self, servers: Servers, url: str, pool: Pool, clock: TestClock, name: str | None = None) -> None:
        self.name = name or f"alpha{new_uuid().hex[-12:]}"
        self.topic = topic_of(self.name)
        self.servers = servers
        self.url = url
        self.pool = pool
        self.clock = clock
        self.work: PostgresUnitOfWork[Transaction] = PostgresUnitOfWork(pool, clock, Transaction)
        self.spoilt: set[int] = set()
        """Numbers whose handler raises ``failure``."""
        self.failure: Exception = ValueError("this number can't be counted")
        self.batch_sizes: list[int] = []
        """Number of events of each call of the batch handler."""

    async def emit(self, numbers: Sequence[int], *, thing: str = "thing_1", organisation: str | None = None) -> None:
        """Emit an event for each number of a thing, one transaction each."""
        for number in numbers:
            async with self.work() as tx:
                tx.emit(ThingCounted(thing_id=thing, organisation_id=organisation, number=number))

    async def emit_events(self, *events: Event) -> None:
        """Emit events, one transaction each."""
        for event in events:
            async with self.work() as tx:
                tx.emit(event)

    def relay(self, holder: str = "1", *, kafka: str = "", partners: bool = False) -> Relay:
        return Relay(
            self.name,
            self.url,
            kafka or self.servers.kafka,
            f"{self.name}.{holder}",
            self.clock,
            partners=partners,
            versioned=["things"],
        )

    def consumer(self, retry_s: float = 0.3, max_failures_in_a_row: int = 20, slot: int = 1) -> Consumer[Transaction]:
        async def count(tx: Transaction, event: ReceivedEvent[ThingCounted | ThingStated]) -> None:
            await tx.connection.execute(
                "INSERT INTO tally (thing, number) VALUES ($1, $2)", event.data.thing_id, event.data.number
            )
            if event.data.number in self.spoilt:
                raise self.failure

        async def weigh(tx: Transaction, events: Sequence[ReceivedEvent[ThingWeighed]]) -> None:
            self.batch_sizes.append(len(events))
            await tx.connection.execute(
                "INSERT INTO tally (thing, number) SELECT * FROM unnest($1::text[], $2::int[])",
                [event.data.thing_id for event in events],
                [event.data.number for event in events],
            )
            if any(event.data.number in self.spoilt for event in events):
                raise self.failure

        handlers: Handlers[Transaction] = {ThingCounted: count, ThingStated: count, ThingWeighed: batch_handler(weigh)}
        return Consumer(
            self.name,
            slot,
            self.servers.kafka,
            [self.topic],
            handlers,
            self.pool,
            self.work,
            self.clock,
            retry_s=retry_s,
            max_failures_in_a_row=max_failures_in_a_row,
        )

    async def tally(self, thing: str = "thing_1") -> list[int]:
        """Return the numbers that were handled, in the order of their effect."""
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
    """Return a new organisation's id."""
    return write_id("org", new_uuid())
