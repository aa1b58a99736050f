"""The consumer loop without group or inbox: every process that runs it sees every event. For gateways."""

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.chassis.events.envelope import RawRecord
from services.chassis.events.kafka import TRANSIENT_BROKER_ERRORS, ensure_topics, stop_client, to_raw_record
from services.chassis.events.outbox import PARTITIONS
from services.chassis.runtime.pause import pause
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

VERIFY_INTERVAL_S = 2.0
MAX_VERIFIED_RECORDS = 2000
"""Records of a partition that are compared at most, the last ones: their ids are kept in memory."""
_POLL_TIMEOUT_MS = 250


class _PartitionProgress:
    """How far a partition was read: the next offset, and the ids by offset of what was read lately.

    ``before`` is what was read up to the last comparison and is being compared since; ``since`` is what came after.
    """

    def __init__(self, following: int) -> None:
        self.next_offset = following
        self.expected_offset = following
        """The offset that comes next if the partition is as it was: a lower one comes only of another."""
        self.comparing_ids: dict[int, str] = {}
        self.recent_ids: dict[int, str] = {}

    def rewind(self) -> int:
        """Begin a comparison: the offset to read from again. The last record is compared the next time, too."""
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
        """Note what was read at the next offset."""
        self.recent_ids[offset] = event_id
        self.next_offset = offset + 1
        if len(self.recent_ids) > MAX_VERIFIED_RECORDS + MAX_VERIFIED_RECORDS // 10:
            self.recent_ids = dict(list(self.recent_ids.items())[-MAX_VERIFIED_RECORDS:])


class BroadcastConsumer:
    """Reads every partition of some topics, from ``back`` before now on, and hands on each record as it comes.

    ``caught_up`` is set once everything that was there at the start was handed on. While the broker is away the client
    tries again ten times a second. A partition may come back as another one: emptied, cut, or filled with other
    records than were read. So every two seconds, and after every failure, what was read since the last time is read
    once more: if another record is in a place, the partition is read from its beginning. Records may thus come again,
    and the receiver tells by their sequence.
    """

    def __init__(
        self, bootstrap: str, topics: Sequence[str], deliver: Callable[[RawRecord], None], back: dt.timedelta
    ) -> None:
        self._bootstrap = bootstrap
        self._partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        self._topics = list(topics)
        self._deliver = deliver
        self._lookback = back
        self._progress: dict[TopicPartition, _PartitionProgress] = {}
        self.caught_up = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Read until ``stop`` is set."""
        while not stop.is_set():
            try:
                await ensure_topics(self._bootstrap, self._topics)
                await self._read(stop)
            except TRANSIENT_BROKER_ERRORS as error:
                _log.warning("broadcast waits for the broker", error=str(error)[:200])
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
            compared = time.monotonic()
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
                # What is new comes first: a look back every two seconds would double the way to the end.
                if self.caught_up.is_set() and time.monotonic() - compared > VERIFY_INTERVAL_S:
                    self._rewind(consumer)
                    compared = time.monotonic()
        finally:
            await stop_client(consumer)

    async def _skip_unreadable(self, consumer: AIOKafkaConsumer) -> None:
        """Go past a record that the library can't read (a header's name that is no UTF-8): no relay wrote it.

        The library does not say where it stands, so each partition is read on one record at a time until it fails.
        """
        for partition, place in self._progress.items():
            place.expected_offset = place.next_offset
            consumer.seek(partition, place.next_offset)
        for partition in self._partitions:
            try:
                while polled := await consumer.getmany(partition, timeout_ms=_POLL_TIMEOUT_MS, max_records=1):
                    self._deliver_records(consumer, partition, polled[partition])
            except UnicodeDecodeError:
                place = self._progress[partition]
                _log.error(
                    "a record can't be read",
                    topic=partition.topic,
                    partition=partition.partition,
                    offset=place.next_offset,
                )
                place.next_offset += 1
                place.expected_offset = place.next_offset
                consumer.seek(partition, place.next_offset)
                return

    async def _find_start_offsets(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> None:
        since = int((dt.datetime.now(dt.UTC) - self._lookback).timestamp() * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(self._partitions, since))
        for partition in self._partitions:
            place = found.get(partition)
            begin = place.offset if place is not None else ends[partition]
            self._progress.setdefault(partition, _PartitionProgress(begin))

    def _rewind(self, consumer: AIOKafkaConsumer) -> None:
        for partition, place in self._progress.items():
            consumer.seek(partition, place.rewind())

    def _deliver_records(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, messages: Sequence[ConsumerRecord]
    ) -> None:
        place = self._progress[partition]
        for m in messages:
            record = to_raw_record(m)
            known = place.event_id_at(m.offset)
            if m.offset < place.expected_offset or known not in (None, record.event_id):
                _log.warning("a partition is another one: it is read whole", topic=m.topic, partition=m.partition)
                self._progress[partition] = _PartitionProgress(0)
                consumer.seek(partition, 0)
                return
            place.expected_offset = m.offset + 1
            if known is not None:
                continue
            self._deliver(record)
            place.remember(m.offset, record.event_id)
