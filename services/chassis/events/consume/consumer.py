"""The consumer loop of a worker: from Kafka into the service's database, a batch of events a transaction.

It reads from the offsets in the database; those committed to Kafka are only for its lag metrics. While a batch is
processed, the next is fetched and decoded. One batch is processed at a time, which keeps the order.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.events.consume.assignor import FixedPartitionAssignor
from services.chassis.events.consume.batch_processor import BatchProcessor, TooManyFailures
from services.chassis.events.consume.handlers import Handlers
from services.chassis.events.consume.offset_verification import OffsetVerifier
from services.chassis.events.consume.offsets import ConsumerOffsets, OffsetConflict
from services.chassis.events.consume.replay import Replayer
from services.chassis.events.envelope import DecodedRecord, RawRecord, unreadable_record
from services.chassis.events.kafka import TRANSIENT_BROKER_ERRORS, ensure_topics, stop_client, to_raw_record
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.runtime.clock import Clock
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

T = TypeVar("T", bound=Transaction)

_MAX_BATCH_EVENTS = 4000
"""The largest number of events in a transaction."""
_MAX_POLL_RECORDS = 50
"""Records that are decoded at a time, in a fraction of a millisecond."""
_POLL_TIMEOUT_MS = 250
_REPORT_INTERVAL_S = 1.0
_RESTART_DELAY_S = 0.3
_ASSIGNMENT_TIMEOUT_S = 20.0
"""The wait for an assignment before the worker joins its group again: above twice the session timeout."""


class Consumer(Generic[T]):
    """Reads topics in the group of its service. ``slot`` identifies the worker (static membership)."""

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
        max_failures_in_a_row: int = 20,
    ) -> None:
        self._group_id = f"kierto.{service}"
        self._group_instance_id = f"kierto.{service}.{slot}"
        self._bootstrap = bootstrap
        self._topics = list(topics)
        self.batch_processor = BatchProcessor(
            handlers, pool, work, clock, retry_s=retry_s, max_failures_in_a_row=max_failures_in_a_row
        )
        self.replayer = Replayer(handlers, pool, work, self.batch_processor.record_failed)
        self._pool = pool
        self.ready = False

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set, and finish the batch in process."""
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
                _log.info("consumer restarts: offset conflict")
            except (*TRANSIENT_BROKER_ERRORS, *TRANSIENT_DATABASE_ERRORS) as error:
                _log.warning(
                    "consumer retries: broker or database unavailable",
                    error=type(error).__name__,
                    detail=str(error)[:200],
                )
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
        async with OffsetVerifier.open(self._bootstrap) as verifier:
            offsets = ConsumerOffsets(self._pool, consumer, verifier)
            consumer.subscribe(self._topics, listener=offsets)
            try:
                # It waits for an assignment, for ever if the group was lost with its broker.
                await asyncio.wait_for(consumer.start(), _ASSIGNMENT_TIMEOUT_S)
                await self._process_batches(consumer, offsets, stop)
            finally:
                await stop_client(consumer)

    async def _process_batches(self, consumer: AIOKafkaConsumer, offsets: ConsumerOffsets, stop: asyncio.Event) -> None:
        assignments = 0
        processing = asyncio.create_task(_no_batch())
        reporting = asyncio.create_task(self._report_progress(consumer, offsets))
        try:
            while not stop.is_set():
                try:
                    batch = await self._next_batch(consumer, offsets, stop)
                except UnicodeDecodeError:
                    # The records that were fetched before it are read again.
                    await processing
                    batch = self.batch_processor.decode(await self._read_around_unreadable(consumer, offsets))
                if offsets.failure is not None:
                    raise offsets.failure
                last_consumed = offsets.last_consumed
                await processing
                if assignments != offsets.assignment_count:
                    # Before later events of these partitions are processed: an older build may have parked some.
                    assignments = offsets.assignment_count
                    await self.replayer.replay_parked()
                    self.ready = True
                if batch:
                    processing = asyncio.create_task(self.batch_processor.process(batch, last_consumed, stop))
                if offsets.check_due():
                    await processing
                    await offsets.check()
                    # A killed worker's last transaction may commit after its successor has started.
                    await self.replayer.replay_parked()
        finally:
            reporting.cancel()
            await processing

    async def _next_batch(
        self, consumer: AIOKafkaConsumer, offsets: ConsumerOffsets, stop: asyncio.Event
    ) -> list[DecodedRecord]:
        """Fetch and decode the next batch, in slices: between them the previous batch proceeds."""
        polled = await _poll(consumer, stop)
        assignments, batch = offsets.assignment_count, self.batch_processor.decode(polled)
        async with asyncio.timeout(_ASSIGNMENT_TIMEOUT_S):
            while polled and len(batch) < _MAX_BATCH_EVENTS:
                await asyncio.sleep(0)
                polled = _records(await consumer.getmany(timeout_ms=0, max_records=_MAX_POLL_RECORDS))
                if assignments != offsets.assignment_count:
                    # The earlier records are read again, by the workers that have their partitions now.
                    assignments, batch = offsets.assignment_count, []
                batch += self.batch_processor.decode(polled)
        return batch

    async def _read_around_unreadable(self, consumer: AIOKafkaConsumer, offsets: ConsumerOffsets) -> list[RawRecord]:
        """Read the records before one that aiokafka can't decode (a header name that is not UTF-8), and skip that one.

        aiokafka reports neither its position nor the other records of the failed fetch. So each partition is read again
        from its offset, one record at a time, until that fails.
        """
        for partition, last in offsets.last_consumed.items():
            consumer.seek(partition, last.offset + 1)
        for partition, last in offsets.last_consumed.items():
            before: list[RawRecord] = []
            try:
                while len(before) < _MAX_BATCH_EVENTS and (
                    polled := await consumer.getmany(partition, timeout_ms=_POLL_TIMEOUT_MS, max_records=1)
                ):
                    before += _records(polled)
            except UnicodeDecodeError:
                offset = before[-1].offset + 1 if before else await consumer.position(partition)
                _log.error(
                    "unreadable record skipped", topic=partition.topic, partition=partition.partition, offset=offset
                )
                consumer.seek(partition, offset + 1)
                return [*before, unreadable_record(partition.topic, partition.partition, offset)]
            consumer.seek(partition, last.offset + 1)
        return []

    async def _report_progress(self, consumer: AIOKafkaConsumer, offsets: ConsumerOffsets) -> None:
        """Update the metrics and Kafka's offsets, also while a batch is retried."""
        while True:
            lag = offsets.lag()
            metrics.CONSUMER_LAG_EVENTS.set(lag)
            metrics.CONSUMER_LAG_SECONDS.set(self.batch_processor.newest_event_age() if lag else 0)
            with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS, *TRANSIENT_BROKER_ERRORS):
                await self.batch_processor.update_dead_letter_gauge()
                if committed := offsets.offsets_to_commit():
                    await asyncio.wait_for(consumer.commit(committed), _REPORT_INTERVAL_S)
            await asyncio.sleep(_REPORT_INTERVAL_S)

    async def _wait_while_stopped(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS):
                await self.batch_processor.update_dead_letter_gauge()
            await pause(stop, _REPORT_INTERVAL_S)


async def _no_batch() -> None:
    """Stand for the batch in process before the first one."""


async def _poll(consumer: AIOKafkaConsumer, stop: asyncio.Event) -> list[RawRecord]:
    """Fetch records, none after a while. Raises TimeoutError without an assignment: aiokafka would wait for ever."""
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
