"""Direct writes to Alpha's topic: valid and invalid records, truncation and recreation."""

import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Sequence

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from services.chassis.events import envelope
from services.chassis.events.kafka import ensure_topics
from services.chassis.events.outbox import PARTITIONS, partition_of
from services.chassis.ids import new_uuid
from services.contracts.declare import Event, event_type_of
from tests.support.alpha import Alpha
from tests.support.polling import until
from tests.support.undecodable_record import append_undecodable

Headers = list[tuple[str, bytes]]
GENERATION = uuid.UUID(int=7)


class SentRecord(msgspec.Struct, frozen=True):
    """A record that was sent, so that it can be sent again."""

    partition: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class TopicWriter:
    """A writer to the topic, with all that it has sent, in order."""

    def __init__(self, alpha: Alpha, admin: AIOKafkaAdminClient, producer: AIOKafkaProducer) -> None:
        self.alpha = alpha
        self.sent: list[SentRecord] = []
        self._admin = admin
        self._producer = producer
        self._sequence = 0

    def record(
        self,
        event: Event,
        *,
        time: dt.datetime | None = None,
        written_at: dt.datetime | None = None,
        **changed: str | bytes | None,
    ) -> SentRecord:
        """Build an event's record as the relay would; ``changed`` replaces headers, None removes one."""
        self._sequence += 1
        event_type = event_type_of(event)
        subject = getattr(event, event_type.subject)
        headers: dict[str, bytes] = dict(
            envelope.event_headers(
                new_uuid(),
                event_type.name,
                self.alpha.name,
                subject,
                time or self.alpha.clock.now(),
                self._sequence,
                "",
                subject,
                GENERATION,
            )
        )
        for name, text in changed.items():
            if text is None:
                del headers[name]
            else:
                headers[name] = text.encode() if isinstance(text, str) else text
        timestamp = int((written_at or dt.datetime.now(dt.UTC)).timestamp() * 1000)
        value = msgspec.json.encode(event)
        return SentRecord(partition_of(subject), timestamp, subject.encode(), value, list(headers.items()))

    async def send(self, *records: SentRecord | Event) -> None:
        """Append records, and events as records."""
        sent = [one if isinstance(one, SentRecord) else self.record(one) for one in records]
        self.sent += sent
        await self._write(sent)

    async def send_undecodable(self, partition: int) -> None:
        """Append a record with a header name that is not UTF-8, which aiokafka can't decode."""
        await append_undecodable(self._producer, self.alpha.topic, partition)

    async def recreate(self) -> None:
        """Recreate the topic."""
        with contextlib.suppress(UnknownTopicOrPartitionError):
            await self._admin.delete_topics([self.alpha.topic])
        await until(self._admin.list_topics, lambda topics: self.alpha.topic not in topics)
        await until(self._recreate)

    async def republish(self, since: int = 0) -> None:
        """Recreate the topic and send all records again, as a relay does, from this index on."""
        await self.recreate()
        await self._write(self.sent[since:])

    async def expire(self, partition: int, before: int) -> None:
        """Delete a partition's records before this offset, as retention does."""
        await self._admin.delete_records(
            {TopicPartition(self.alpha.topic, partition): RecordsToDelete(before_offset=before)}
        )

    async def ends(self) -> dict[int, int]:
        """Return the offset after the last record of each partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.alpha.servers.kafka)
        await consumer.start()
        try:
            ends = await consumer.end_offsets([TopicPartition(self.alpha.topic, n) for n in range(PARTITIONS)])
            return {partition.partition: end for partition, end in ends.items()}
        finally:
            await consumer.stop()

    async def _recreate(self) -> bool:
        # A topic that was just deleted can't be recreated for a moment.
        with contextlib.suppress(KafkaError):
            await ensure_topics(self.alpha.servers.kafka, [self.alpha.topic])
            return self.alpha.topic in await self._admin.list_topics()
        return False

    async def _write(self, records: Sequence[SentRecord]) -> None:
        acknowledgements = [
            await self._producer.send(
                self.alpha.topic,
                record.value,
                key=record.key,
                partition=record.partition,
                timestamp_ms=record.timestamp,
                headers=record.headers,
            )
            for record in records
        ]
        for acknowledgement in acknowledgements:
            await acknowledgement


@contextlib.asynccontextmanager
async def topic_of(alpha: Alpha) -> AsyncIterator[TopicWriter]:
    """Create Alpha's topic and connect to it for the length of a block."""
    await ensure_topics(alpha.servers.kafka, [alpha.topic])
    admin = AIOKafkaAdminClient(bootstrap_servers=alpha.servers.kafka)
    producer = AIOKafkaProducer(
        bootstrap_servers=alpha.servers.kafka, enable_idempotence=True, max_request_size=1_000_000
    )
    await admin.start()
    await producer.start()
    try:
        yield TopicWriter(alpha, admin, producer)
    finally:
        await producer.stop()
        await admin.close()
