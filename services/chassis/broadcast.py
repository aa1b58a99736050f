"""The consumer loop without group or inbox: every process that runs it sees every event. For gateways."""

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.chassis.envelope import Raw
from services.chassis.kafka import BROKER_AWAY, ensure_topics, let_go, raw_of
from services.chassis.logging import logger
from services.chassis.outbox import PARTITIONS
from services.chassis.pause import pause

_log = logger(__name__)

COMPARE_S = 2.0
COMPARED = 2000
"""Records of a partition that are compared at most, the last ones: their ids are kept in memory."""
_POLL_MS = 250


class _Place:
    """How far a partition was read: the next offset, and the ids by offset of what was read lately.

    ``before`` is what was read up to the last comparison and is being compared since; ``since`` is what came after.
    """

    def __init__(self, following: int) -> None:
        self.following = following
        self.expected = following
        """The offset that comes next if the partition is as it was: a lower one comes only of another."""
        self.before: dict[int, str] = {}
        self.since: dict[int, str] = {}

    def go_back(self) -> int:
        """Begin a comparison: the offset to read from again. The last record is compared the next time, too."""
        self.before, self.since = self.since, {}
        if not self.before:
            self.expected = max(0, self.following - 1)
            return self.expected
        last = max(self.before)
        self.since[last] = self.before[last]
        self.expected = min(self.before)
        return self.expected

    def known(self, offset: int) -> str | None:
        return self.since.get(offset) or self.before.get(offset)

    def keep(self, offset: int, event_id: str) -> None:
        """Note what was read at the next offset."""
        self.since[offset] = event_id
        self.following = offset + 1
        if len(self.since) > COMPARED + COMPARED // 10:
            self.since = dict(list(self.since.items())[-COMPARED:])


class Broadcast:
    """Reads every partition of some topics, from ``back`` before now on, and hands on each record as it comes.

    ``caught_up`` is set once everything that was there at the start was handed on. While the broker is away the client
    tries again ten times a second. A partition may come back as another one: emptied, cut, or filled with other
    records than were read. So every two seconds, and after every failure, what was read since the last time is read
    once more: if another record is in a place, the partition is read from its beginning. Records may thus come again,
    and the receiver tells by their sequence.
    """

    def __init__(
        self, bootstrap: str, topics: Sequence[str], deliver: Callable[[Raw], None], back: dt.timedelta
    ) -> None:
        self._bootstrap = bootstrap
        self._partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        self._topics = list(topics)
        self._deliver = deliver
        self._back = back
        self._places: dict[TopicPartition, _Place] = {}
        self.caught_up = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Read until ``stop`` is set."""
        while not stop.is_set():
            try:
                await ensure_topics(self._bootstrap, self._topics)
                await self._read(stop)
            except BROKER_AWAY as error:
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
            await self._find_the_beginning(consumer, ends)
            self._read_again(consumer)
            compared = time.monotonic()
            while not stop.is_set():
                if not self.caught_up.is_set() and all(self._places[p].following >= ends[p] for p in self._partitions):
                    self.caught_up.set()
                try:
                    for partition, messages in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
                        self._hand_on(consumer, partition, messages)
                except UnicodeDecodeError:
                    await self._pass_unreadable(consumer)
                # What is new comes first: a look back every two seconds would double the way to the end.
                if self.caught_up.is_set() and time.monotonic() - compared > COMPARE_S:
                    self._read_again(consumer)
                    compared = time.monotonic()
        finally:
            await let_go(consumer)

    async def _pass_unreadable(self, consumer: AIOKafkaConsumer) -> None:
        """Go past a record that the library can't read (a header's name that is no UTF-8): no relay wrote it.

        The library does not say where it stands, so each partition is read on one record at a time until it fails.
        """
        for partition, place in self._places.items():
            place.expected = place.following
            consumer.seek(partition, place.following)
        for partition in self._partitions:
            try:
                while polled := await consumer.getmany(partition, timeout_ms=_POLL_MS, max_records=1):
                    self._hand_on(consumer, partition, polled[partition])
            except UnicodeDecodeError:
                place = self._places[partition]
                _log.error(
                    "a record can't be read",
                    topic=partition.topic,
                    partition=partition.partition,
                    offset=place.following,
                )
                place.following += 1
                place.expected = place.following
                consumer.seek(partition, place.following)
                return

    async def _find_the_beginning(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> None:
        since = int((dt.datetime.now(dt.UTC) - self._back).timestamp() * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(self._partitions, since))
        for partition in self._partitions:
            place = found.get(partition)
            begin = place.offset if place is not None else ends[partition]
            self._places.setdefault(partition, _Place(begin))

    def _read_again(self, consumer: AIOKafkaConsumer) -> None:
        for partition, place in self._places.items():
            consumer.seek(partition, place.go_back())

    def _hand_on(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, messages: Sequence[ConsumerRecord]
    ) -> None:
        place = self._places[partition]
        for m in messages:
            record = raw_of(m)
            known = place.known(m.offset)
            if m.offset < place.expected or known not in (None, record.event_id):
                _log.warning("a partition is another one: it is read whole", topic=m.topic, partition=m.partition)
                self._places[partition] = _Place(0)
                consumer.seek(partition, 0)
                return
            place.expected = m.offset + 1
            if known is not None:
                continue
            self._deliver(record)
            place.keep(m.offset, record.event_id)
