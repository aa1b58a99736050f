"""The broadcast consumer, without group or inbox: every gateway process reads every event."""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from opentelemetry.trace import SpanKind

from services.chassis.events.envelope import RawRecord
from services.chassis.events.kafka import TRANSIENT_BROKER_ERRORS, ensure_topics, stop_client, to_raw_record
from services.chassis.events.outbox import PARTITIONS
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import spans
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

VERIFY_INTERVAL_S = 2.0
MAX_VERIFIED_RECORDS = 2000
"""The number of a partition's last records that are verified; their ids are kept in memory."""
_POLL_TIMEOUT_MS = 250


class _PartitionProgress:
    """The next offset of a partition, and the event ids by offset of the records that were read last."""

    def __init__(self, next_offset: int) -> None:
        self.next_offset = next_offset
        self.expected_offset = next_offset
        """The offset of the next record if the partition is unchanged: a lower one shows that it was recreated."""
        self.comparing_ids: dict[int, str] = {}
        """The records of the verification that is in progress."""
        self.recent_ids: dict[int, str] = {}
        """The records that were read since it began."""

    def rewind(self) -> int:
        """Begin a verification; return the offset to seek to. The last record is verified the next time, too."""
        self.comparing_ids, self.recent_ids = self.recent_ids, {}
        if not self.comparing_ids:
            self.expected_offset = max(0, self.next_offset - 1)
            return self.expected_offset
        last = max(self.comparing_ids)
        self.recent_ids[last] = self.comparing_ids[last]
        self.expected_offset = min(self.comparing_ids)
        return self.expected_offset

    def event_id_at(self, offset: int) -> str | None:
        return self.recent_ids.get(offset) or self.comparing_ids.get(offset)

    def remember(self, offset: int, event_id: str) -> None:
        """Record the event at an offset, the last one read."""
        self.recent_ids[offset] = event_id
        self.next_offset = offset + 1
        if len(self.recent_ids) > MAX_VERIFIED_RECORDS + MAX_VERIFIED_RECORDS // 10:
            self.recent_ids = dict(list(self.recent_ids.items())[-MAX_VERIFIED_RECORDS:])


class BroadcastConsumer:
    """Reads every partition of some topics, beginning ``lookback`` before now, and delivers each record.

    A partition may be recreated: emptied, truncated, or with other records. So every two seconds, and after every
    failure, the records since the last verification are read again: if one differs, the partition is read from its
    beginning. Records may thus be delivered twice: the receiver deduplicates by their sequence.
    """

    def __init__(
        self, bootstrap: str, topics: Sequence[str], deliver: Callable[[RawRecord], None], lookback: dt.timedelta
    ) -> None:
        self._bootstrap = bootstrap
        self._partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        self._topics = list(topics)
        self._deliver = deliver
        self._lookback = lookback
        self._progress: dict[TopicPartition, _PartitionProgress] = {}
        self.caught_up = asyncio.Event()
        """Set once all records that existed at the start are delivered."""

    async def run(self, stop: asyncio.Event) -> None:
        """Read until ``stop`` is set."""
        while not stop.is_set():
            try:
                await ensure_topics(self._bootstrap, self._topics)
                await self._read(stop)
            except TRANSIENT_BROKER_ERRORS as error:
                _log.warning("broadcast consumer retries: broker unavailable", error=str(error)[:200])
                await pause(stop, 0.3)

    async def _read(self, stop: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=5000,
            max_poll_records=1000,
        )
        consumer.assign(self._partitions)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(self._partitions)
            await self._find_start_offsets(consumer, ends)
            self._rewind(consumer)
            verified_at = time.monotonic()
            while not stop.is_set():
                if not self.caught_up.is_set() and all(
                    self._progress[p].next_offset >= ends[p] for p in self._partitions
                ):
                    self.caught_up.set()
                try:
                    for partition, messages in (await consumer.getmany(timeout_ms=_POLL_TIMEOUT_MS)).items():
                        self._deliver_records(consumer, partition, messages)
                except UnicodeDecodeError:
                    await self._skip_unreadable(consumer)
                # New records come first: verifying while catching up would double the records to read.
                if self.caught_up.is_set() and time.monotonic() - verified_at > VERIFY_INTERVAL_S:
                    self._rewind(consumer)
                    verified_at = time.monotonic()
        finally:
            await stop_client(consumer)

    async def _skip_unreadable(self, consumer: AIOKafkaConsumer) -> None:
        """Skip a record that aiokafka can't decode (a header name that is not UTF-8): no relay wrote it.

        aiokafka does not report its position, so each partition is read one record at a time until that fails.
        """
        for partition, progress in self._progress.items():
            progress.expected_offset = progress.next_offset
            consumer.seek(partition, progress.next_offset)
        for partition in self._partitions:
            try:
                while polled := await consumer.getmany(partition, timeout_ms=_POLL_TIMEOUT_MS, max_records=1):
                    self._deliver_records(consumer, partition, polled[partition])
            except UnicodeDecodeError:
                progress = self._progress[partition]
                _log.error(
                    "unreadable record skipped",
                    topic=partition.topic,
                    partition=partition.partition,
                    offset=progress.next_offset,
                )
                progress.next_offset += 1
                progress.expected_offset = progress.next_offset
                consumer.seek(partition, progress.next_offset)
                return

    def _span(self, record: RawRecord) -> contextlib.AbstractContextManager[object]:
        """Open a span in the trace of a new record; those from before the start have theirs at other processes."""
        if spans.SpanRecording.tracer is None or not self.caught_up.is_set():
            return spans.NO_SPAN
        parents, attributes = [record.header("ce_traceparent")], spans.messaging_attributes("process", record.topic)
        return spans.batch_spans(f"process {record.topic}", SpanKind.CONSUMER, parents, attributes)

    async def _find_start_offsets(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> None:
        since = int((dt.datetime.now(dt.UTC) - self._lookback).timestamp() * 1000)
        first_records = await consumer.offsets_for_times(dict.fromkeys(self._partitions, since))
        for partition in self._partitions:
            first = first_records.get(partition)
            start = first.offset if first is not None else ends[partition]
            self._progress.setdefault(partition, _PartitionProgress(start))

    def _rewind(self, consumer: AIOKafkaConsumer) -> None:
        for partition, progress in self._progress.items():
            consumer.seek(partition, progress.rewind())

    def _deliver_records(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, messages: Sequence[ConsumerRecord]
    ) -> None:
        progress = self._progress[partition]
        for m in messages:
            record = to_raw_record(m)
            known_id = progress.event_id_at(m.offset)
            if m.offset < progress.expected_offset or known_id not in (None, record.event_id):
                _log.warning(
                    "partition was recreated: reading from its beginning", topic=m.topic, partition=m.partition
                )
                self._progress[partition] = _PartitionProgress(0)
                consumer.seek(partition, 0)
                return
            progress.expected_offset = m.offset + 1
            if known_id is not None:
                continue
            with self._span(record):
                self._deliver(record)
            progress.remember(m.offset, record.event_id)
