"""The consumer loop of a worker: from Kafka into the service's database, a batch of events a transaction.

The position in the database is what counts, not the one committed to Kafka (which is for lag figures). While a batch is
taken in, the next is fetched and read: one is under way at a time, so the order is kept.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.chassis import metrics
from services.chassis.assignor import EveryPartition
from services.chassis.clock import Clock
from services.chassis.envelope import Raw, unreadable
from services.chassis.handlers import Handlers
from services.chassis.intake import Intake, Item, TooManyFailed
from services.chassis.kafka import BROKER_AWAY, ensure_topics, let_go, raw_of
from services.chassis.logging import logger
from services.chassis.pause import pause
from services.chassis.positions import Moved, Positions
from services.chassis.postgres import NO_ONES_FAULT, Pool
from services.chassis.readback import Readback
from services.chassis.transaction import Transaction, UnitOfWork

_log = logger(__name__)

T = TypeVar("T", bound=Transaction)

_AT_ONCE = 4000
"""Events a transaction, at most."""
_SLICE = 50
"""Records that are unpacked and read at a time: a fraction of a millisecond."""
_POLL_MS = 250
_TELL_S = 1.0
_AGAIN_S = 0.3
_ASSIGNED_S = 20.0
"""How long a worker waits for its part of the topics before it joins its group anew: twice the session, and some."""


class Consumer(Generic[T]):
    """Reads topics in the group of its service. ``slot`` tells the service's workers apart (static membership)."""

    def __init__(
        self,
        service: str,
        slot: int,
        bootstrap: str,
        topics: Sequence[str],
        handlers: Handlers[T],
        pool: Pool,
        work: UnitOfWork[T],
        clock: Clock,
        *,
        retry_s: float = 30.0,
        bad_in_a_row: int = 20,
    ) -> None:
        self._group = f"kierto.{service}"
        self._member = f"kierto.{service}.{slot}"
        self._bootstrap = bootstrap
        self._topics = list(topics)
        self.intake = Intake(handlers, pool, work, clock, retry_s=retry_s, bad_in_a_row=bad_in_a_row)
        self._pool = pool
        self.ready = False

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set; a batch under way is finished."""
        metrics.CONSUMER_STOPPED.set(0)
        while not stop.is_set():
            try:
                await self._consume(stop)
            except TooManyFailed:
                metrics.CONSUMER_STOPPED.set(1)
                _log.error("consumer stopped: too many dead letters in a row")
                self.ready = False
                await self._stand_still(stop)
            except Moved:
                _log.info("consumer begins anew: its partitions were read elsewhere")
            except (*BROKER_AWAY, *NO_ONES_FAULT) as error:
                _log.warning("consumer waits", error=type(error).__name__, detail=str(error)[:200])
            self.ready = False
            await pause(stop, _AGAIN_S)

    async def _consume(self, stop: asyncio.Event) -> None:
        await ensure_topics(self._bootstrap, self._topics)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            group_instance_id=self._member,
            partition_assignment_strategy=(EveryPartition,),
            client_id=self._member,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=9000,
            heartbeat_interval_ms=1000,
            request_timeout_ms=15000,
            metadata_max_age_ms=10_000,
        )
        async with Readback.open(self._bootstrap) as readback:
            positions = Positions(self._pool, consumer, readback)
            consumer.subscribe(self._topics, listener=positions)
            try:
                # It waits for the group to assign it partitions, for ever if the group was lost with its broker.
                await asyncio.wait_for(consumer.start(), _ASSIGNED_S)
                await self._take_in(consumer, positions, stop)
            finally:
                await let_go(consumer)

    async def _take_in(self, consumer: AIOKafkaConsumer, positions: Positions, stop: asyncio.Event) -> None:
        assignments = 0
        taking = asyncio.create_task(_nothing())
        telling = asyncio.create_task(self._keep_telling(consumer, positions))
        try:
            while not stop.is_set():
                try:
                    batch = await self._next_batch(consumer, positions, stop)
                except UnicodeDecodeError:
                    # What had been gathered before it is read again with it.
                    await taking
                    batch = self.intake.read(await self._around_unreadable(consumer, positions))
                if positions.failure is not None:
                    raise positions.failure
                places = positions.places
                await taking
                if assignments != positions.assignments:
                    # Before anything else of these partitions is: another build may have parked some of it.
                    assignments = positions.assignments
                    await self.intake.replay_parked()
                    self.ready = True
                if batch:
                    taking = asyncio.create_task(self.intake.take(batch, places, stop))
                if positions.due():
                    await taking
                    await positions.check()
        finally:
            telling.cancel()
            await taking

    async def _next_batch(self, consumer: AIOKafkaConsumer, positions: Positions, stop: asyncio.Event) -> list[Item]:
        """What has come, and what it says. In slices: between them the batch before goes on through the database."""
        polled = await _poll(consumer, stop)
        assignments, batch = positions.assignments, self.intake.read(polled)
        async with asyncio.timeout(_ASSIGNED_S):
            while polled and len(batch) < _AT_ONCE:
                await asyncio.sleep(0)
                polled = _records(await consumer.getmany(timeout_ms=0, max_records=_SLICE))
                if assignments != positions.assignments:
                    # What came before it is read again, by whoever has its partition now.
                    assignments, batch = positions.assignments, []
                batch += self.intake.read(polled)
        return batch

    async def _around_unreadable(self, consumer: AIOKafkaConsumer, positions: Positions) -> list[Raw]:
        """What comes before a record that the library can't read (a header's name that is no UTF-8), and its place.

        The library says neither where it stands nor gives what else the failed look had taken from the partitions. So
        each is read again from its position, one record at a time, until the failure tells which it was.
        """
        for partition, place in positions.places.items():
            consumer.seek(partition, place.offset + 1)
        for partition, place in positions.places.items():
            before: list[Raw] = []
            try:
                while len(before) < _AT_ONCE and (
                    polled := await consumer.getmany(partition, timeout_ms=_POLL_MS, max_records=1)
                ):
                    before += _records(polled)
            except UnicodeDecodeError:
                offset = before[-1].offset + 1 if before else await consumer.position(partition)
                _log.error(
                    "a record can't be read", topic=partition.topic, partition=partition.partition, offset=offset
                )
                consumer.seek(partition, offset + 1)
                return [*before, unreadable(partition.topic, partition.partition, offset)]
            consumer.seek(partition, place.offset + 1)
        return []

    async def _keep_telling(self, consumer: AIOKafkaConsumer, positions: Positions) -> None:
        """Keep the figures true, Kafka's too: also, and above all, while a batch does not get on."""
        while True:
            behind = positions.behind()
            metrics.CONSUMER_EVENTS_BEHIND.set(behind)
            metrics.CONSUMER_SECONDS_BEHIND.set(self.intake.newest_age() if behind else 0)
            with contextlib.suppress(*NO_ONES_FAULT, *BROKER_AWAY):
                await self.intake.count_dead_letters()
                if offsets := positions.offsets():
                    await asyncio.wait_for(consumer.commit(offsets), _TELL_S)
            await asyncio.sleep(_TELL_S)

    async def _stand_still(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(*NO_ONES_FAULT):
                await self.intake.count_dead_letters()
            await pause(stop, _TELL_S)


async def _nothing() -> None:
    """What is under way before the first batch."""


async def _poll(consumer: AIOKafkaConsumer, stop: asyncio.Event) -> list[Raw]:
    """What has come, or nothing after a while. The library waits for an assignment however long it takes: not we."""
    polling = asyncio.ensure_future(consumer.getmany(timeout_ms=_POLL_MS, max_records=_SLICE))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((polling, stopping), timeout=_ASSIGNED_S, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if polling.done():
        return _records(polling.result())
    polling.cancel()
    if stop.is_set():
        return []
    raise TimeoutError("the group assigned no partitions")


def _records(polled: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> list[Raw]:
    return [raw_of(m) for messages in polled.values() for m in messages]
