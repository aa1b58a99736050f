"""The consumer loop without group or inbox: every process that runs it sees every event. For gateways."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.chassis import envelope
from services.chassis.clock import Clock
from services.chassis.envelope import Raw
from services.chassis.kafka import BROKER_AWAY, ensure_topics
from services.chassis.logging import logger
from services.chassis.outbox import PARTITIONS
from services.chassis.pause import pause

_log = logger(__name__)


class Broadcast:
    """Reads every partition of some topics, from ``back`` before now on, and hands on each record as it comes.

    ``caught_up`` is set once everything that was there at the start was handed on. Where the broker goes away, it goes
    on from where it was; records may come again, and the receiver tells by their sequence.
    """

    def __init__(
        self, bootstrap: str, topics: Sequence[str], deliver: Callable[[Raw], None], clock: Clock, back: dt.timedelta
    ) -> None:
        self._bootstrap = bootstrap
        self._partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        self._topics = list(topics)
        self._deliver = deliver
        self._clock = clock
        self._back = back
        self._next: dict[TopicPartition, int] = {}
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
            for partition, offset in (await self._begin(consumer, ends)).items():
                consumer.seek(partition, offset)
                self._next[partition] = offset
            while not stop.is_set():
                if not self.caught_up.is_set() and all(self._next[p] >= ends[p] for p in self._partitions):
                    self.caught_up.set()
                polled = await consumer.getmany(timeout_ms=250)
                for partition, messages in polled.items():
                    for m in messages:
                        self._deliver(envelope.raw(m.topic, m.partition, m.offset, m.key, m.value, m.headers))
                    self._next[partition] = messages[-1].offset + 1
        finally:
            with contextlib.suppress(*BROKER_AWAY):
                await asyncio.wait_for(consumer.stop(), 5)

    async def _begin(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
        since = int((self._clock.now() - self._back).timestamp() * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(self._partitions, since))
        begin: dict[TopicPartition, int] = {}
        for partition in self._partitions:
            known = self._next.get(partition)
            if known is not None and known <= ends[partition]:
                begin[partition] = known
            elif known is not None:
                begin[partition] = 0  # the topic was made anew
            else:
                place = found.get(partition)
                begin[partition] = place.offset if place is not None else ends[partition]
        return begin
