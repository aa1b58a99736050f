"""The consumer loop of a worker: from Kafka into the service's database, a batch of events a transaction.

The position in the database is what counts, not the one committed to Kafka (which is for lag figures). While a batch is
taken in, the next is fetched and read: one is under way at a time, so the order is kept.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.events.consume.assignor import FixedPartitionAssignor
from services.chassis.events.consume.batch_processor import BatchProcessor, DecodedRecord, TooManyFailures
from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.consume.offset_verification import OffsetVerifier
from services.chassis.events.consume.offsets import ConsumerOffsets, OffsetConflict
from services.chassis.events.envelope import RawRecord, unreadable_record
from services.chassis.events.kafka import TRANSIENT_BROKER_ERRORS, ensure_topics, stop_client, to_raw_record
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.runtime.clock import Clock
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

T = TypeVar("T", bound=Transaction)

_MAX_BATCH_EVENTS = 4000
"""Events a transaction, at most."""
_MAX_POLL_RECORDS = 50
"""Records that are unpacked and read at a time: a fraction of a millisecond."""
_POLL_TIMEOUT_MS = 250
_REPORT_INTERVAL_S = 1.0
_RESTART_DELAY_S = 0.3
_ASSIGNMENT_TIMEOUT_S = 20.0
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
        self._group_id = f"kierto.{service}"
        self._group_instance_id = f"kierto.{service}.{slot}"
        self._bootstrap = bootstrap
        self._topics = list(topics)
        self.batch_processor = BatchProcessor(handlers, pool, work, clock, retry_s=retry_s, bad_in_a_row=bad_in_a_row)
        self._pool = pool
        self.ready = False

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set; a batch under way is finished."""
        metrics.CONSUMER_STOPPED.set(0)
        while not stop.is_set():
            try:
                await self._consume(stop)
            except TooManyFailures:
                metrics.CONSUMER_STOPPED.set(1)
                _log.error("consumer stopped: too many dead letters in a row")
                self.ready = False
                await self._wait_while_stopped(stop)
            except OffsetConflict:
                _log.info("consumer begins anew: its partitions were read elsewhere")
            except (*TRANSIENT_BROKER_ERRORS, *TRANSIENT_DATABASE_ERRORS) as error:
                _log.warning("consumer waits", error=type(error).__name__, detail=str(error)[:200])
            self.ready = False
            await pause(stop, _RESTART_DELAY_S)

    async def _consume(self, stop: asyncio.Event) -> None:
        await ensure_topics(self._bootstrap, self._topics)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group_id,
            group_instance_id=self._group_instance_id,
            partition_assignment_strategy=(FixedPartitionAssignor,),
            client_id=self._group_instance_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=9000,
            heartbeat_interval_ms=1000,
            request_timeout_ms=15000,
            metadata_max_age_ms=10_000,
        )
        async with OffsetVerifier.open(self._bootstrap) as readback:
            positions = ConsumerOffsets(self._pool, consumer, readback)
            consumer.subscribe(self._topics, listener=positions)
            try:
                # It waits for the group to assign it partitions, for ever if the group was lost with its broker.
                await asyncio.wait_for(consumer.start(), _ASSIGNMENT_TIMEOUT_S)
                await self._process_batches(consumer, positions, stop)
            finally:
                await stop_client(consumer)

    async def _process_batches(
        self, consumer: AIOKafkaConsumer, positions: ConsumerOffsets, stop: asyncio.Event
    ) -> None:
        assignments = 0
        taking = asyncio.create_task(_no_batch())
        telling = asyncio.create_task(self._report_progress(consumer, positions))
        try:
            while not stop.is_set():
                try:
                    batch = await self._next_batch(consumer, positions, stop)
                except UnicodeDecodeError:
                    # What had been gathered before it is read again with it.
                    await taking
                    batch = self.batch_processor.decode(await self._read_around_unreadable(consumer, positions))
                if positions.failure is not None:
                    raise positions.failure
                places = positions.last_consumed
                await taking
                if assignments != positions.assignment_count:
                    # Before anything else of these partitions is: another build may have parked some of it.
                    assignments = positions.assignment_count
                    await self.batch_processor.replay_parked()
                    self.ready = True
                if batch:
                    taking = asyncio.create_task(self.batch_processor.process(batch, places, stop))
                if positions.check_due():
                    await taking
                    await positions.check()
        finally:
            telling.cancel()
            await taking

    async def _next_batch(
        self, consumer: AIOKafkaConsumer, positions: ConsumerOffsets, stop: asyncio.Event
    ) -> list[DecodedRecord]:
        """What has come, and what it says. In slices: between them the batch before goes on through the database."""
        polled = await _poll(consumer, stop)
        assignments, batch = positions.assignment_count, self.batch_processor.decode(polled)
        async with asyncio.timeout(_ASSIGNMENT_TIMEOUT_S):
            while polled and len(batch) < _MAX_BATCH_EVENTS:
                await asyncio.sleep(0)
                polled = _records(await consumer.getmany(timeout_ms=0, max_records=_MAX_POLL_RECORDS))
                if assignments != positions.assignment_count:
                    # What came before it is read again, by whoever has its partition now.
                    assignments, batch = positions.assignment_count, []
                batch += self.batch_processor.decode(polled)
        return batch

    async def _read_around_unreadable(self, consumer: AIOKafkaConsumer, positions: ConsumerOffsets) -> list[RawRecord]:
        """What comes before a record that the library can't read (a header's name that is no UTF-8), and its place.

        The library says neither where it stands nor gives what else the failed look had taken from the partitions. So
        each is read again from its position, one record at a time, until the failure tells which it was.
        """
        for partition, place in positions.last_consumed.items():
            consumer.seek(partition, place.offset + 1)
        for partition, place in positions.last_consumed.items():
            before: list[RawRecord] = []
            try:
                while len(before) < _MAX_BATCH_EVENTS and (
                    polled := await consumer.getmany(partition, timeout_ms=_POLL_TIMEOUT_MS, max_records=1)
                ):
                    before += _records(polled)
            except UnicodeDecodeError:
                offset = before[-1].offset + 1 if before else await consumer.position(partition)
                _log.error(
                    "a record can't be read", topic=partition.topic, partition=partition.partition, offset=offset
                )
                consumer.seek(partition, offset + 1)
                return [*before, unreadable_record(partition.topic, partition.partition, offset)]
            consumer.seek(partition, place.offset + 1)
        return []

    async def _report_progress(self, consumer: AIOKafkaConsumer, positions: ConsumerOffsets) -> None:
        """Keep the figures true, Kafka's too: also, and above all, while a batch does not get on."""
        while True:
            behind = positions.lag()
            metrics.CONSUMER_LAG_EVENTS.set(behind)
            metrics.CONSUMER_LAG_SECONDS.set(self.batch_processor.newest_event_age() if behind else 0)
            with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS, *TRANSIENT_BROKER_ERRORS):
                await self.batch_processor.update_dead_letter_gauge()
                if offsets := positions.offsets_to_commit():
                    await asyncio.wait_for(consumer.commit(offsets), _REPORT_INTERVAL_S)
            await asyncio.sleep(_REPORT_INTERVAL_S)

    async def _wait_while_stopped(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS):
                await self.batch_processor.update_dead_letter_gauge()
            await pause(stop, _REPORT_INTERVAL_S)


async def _no_batch() -> None:
    """What is under way before the first batch."""


async def _poll(consumer: AIOKafkaConsumer, stop: asyncio.Event) -> list[RawRecord]:
    """What has come, or nothing after a while. The library waits for an assignment however long it takes: not we."""
    polling = asyncio.ensure_future(consumer.getmany(timeout_ms=_POLL_TIMEOUT_MS, max_records=_MAX_POLL_RECORDS))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait((polling, stopping), timeout=_ASSIGNMENT_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if polling.done():
        return _records(polling.result())
    polling.cancel()
    if stop.is_set():
        return []
    raise TimeoutError("the group assigned no partitions")


def _records(polled: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> list[RawRecord]:
    return [to_raw_record(m) for messages in polled.values() for m in messages]
