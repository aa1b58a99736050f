"""What is known of the Kafka cluster: its id, its topics, how far they go, and how records are read back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError

from services.chassis.events.envelope import RawRecord, raw_record
from services.chassis.events.outbox import PARTITIONS

A = TypeVar("A")

RETENTION_MS = 90 * 24 * 3600 * 1000
RETRY_BACKOFF_MS = 20
"""After a look at a partition whose leader is not known yet: it is a matter of moments."""

TRANSIENT_BROKER_ERRORS = (KafkaError, OSError, TimeoutError)
"""Failures of the broker or of the way to it: tried again, and never the fault of an event."""

_TOPIC_CONFIGS = {
    "cleanup.policy": "delete",
    "retention.ms": str(RETENTION_MS),
    # Kept by age alone: a partition that loses its head earlier was cut, and is filled again.
    "retention.bytes": "-1",
    # Records carry the database's time; how far the broker's clock is from it is no reason to refuse one.
    "message.timestamp.after.max.ms": str(2**63 - 1),
}


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class OffsetRange(NamedTuple):
    """The offset of the first record that a partition still has, and the one behind its last."""

    start: int
    end: int


class Cluster:
    """A view of the cluster behind ``bootstrap``, for the relay: opened anew at leadership and after every error."""

    def __init__(
        self, admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer, topics: Sequence[str], cluster_id: str
    ) -> None:
        self._admin = admin
        self._reader = reader
        self.topics = topics
        self.id = cluster_id
        self.partitions = [Place(topic, partition) for topic in topics for partition in range(PARTITIONS)]

    @classmethod
    async def open(cls, bootstrap: str, topics: Sequence[str]) -> "Cluster":
        """The cluster, with these topics made if they were not there. To be closed."""
        admin = AIOKafkaAdminClient(
            bootstrap_servers=bootstrap, request_timeout_ms=5000, retry_backoff_ms=RETRY_BACKOFF_MS
        )
        reader = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=5000,
            retry_backoff_ms=RETRY_BACKOFF_MS,
            fetch_max_wait_ms=10,
        )
        try:
            await admin.start()
            cluster_id, missing = await _describe_cluster(admin, topics)
            await create_topics(admin, missing)
            await reader.start()
        except BaseException:
            await _close(admin, reader)
            raise
        return cls(admin, reader, topics, cluster_id)

    async def close(self) -> None:
        await _close(self._admin, self._reader)

    async def offset_ranges(self) -> dict[Place, OffsetRange]:
        """Where each partition begins and ends now."""
        partitions = [TopicPartition(*place) for place in self.partitions]
        starts: dict[TopicPartition, int] = await self._reader.beginning_offsets(partitions)
        ends: dict[TopicPartition, int] = await self._reader.end_offsets(partitions)
        return {Place(*partition): OffsetRange(starts[partition], ends[partition]) for partition in partitions}

    async def read(self, extents: Mapping[Place, OffsetRange]) -> AsyncIterator[RawRecord]:
        """The records between these offsets, one partition after the other; fewer where some are gone.

        One that the library can't read (a header's name that is no UTF-8) is left out: no relay wrote it.
        """
        for place, extent in extents.items():
            partition = TopicPartition(*place)
            self._reader.assign([partition])
            position, at_once = extent.start, None
            self._reader.seek(partition, position)
            while position < extent.end:
                try:
                    polled = await self._reader.getmany(partition, timeout_ms=5000, max_records=at_once)
                except UnicodeDecodeError:
                    # Which one it is comes out when they are read one by one.
                    position, at_once = (position + 1, None) if at_once == 1 else (position, 1)
                    self._reader.seek(partition, position)
                    continue
                if not polled:
                    break
                for m in polled[partition]:
                    if m.offset < extent.end:
                        yield to_raw_record(m)
                    position = m.offset + 1
            # A reader that goes on fetching what nobody wants keeps the next question waiting.
            self._reader.pause(partition)

    async def records_at(self, offsets: Mapping[Place, int]) -> dict[Place, RawRecord]:
        """The records at these offsets; without those that are gone."""
        extents = {place: OffsetRange(offset, offset + 1) for place, offset in offsets.items()}
        found = {Place(record.topic, record.partition): record async for record in self.read(extents)}
        return {place: record for place, record in found.items() if record.offset == offsets[place]}

    async def describe(self) -> tuple[str, list[str]]:
        """The cluster's id as it is now, another one where the broker was replaced, and which topics are missing."""
        return await _describe_cluster(self._admin, self.topics)


def to_raw_record(record: ConsumerRecord) -> RawRecord:
    """A record as the library has read it."""
    place = record.topic, record.partition, record.offset
    return raw_record(*place, record.timestamp, record.key, record.value, record.headers)


async def create_topics(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> None:
    """Make the topics that are not there yet; nothing is left to auto-creation."""
    for topic in topics:
        new = NewTopic(name=topic, num_partitions=PARTITIONS, replication_factor=1, topic_configs=_TOPIC_CONFIGS)
        # The cluster's own default (1 embedded, 3 in production), which the class's own check does not let through.
        new.replication_factor = -1
        with contextlib.suppress(TopicAlreadyExistsError):
            response = await _admin_response(admin.create_topics([new]))
            for error in response.topic_errors:
                if error[1] not in (0, TopicAlreadyExistsError.errno):
                    raise KafkaError(f"topic {topic} can't be made: {error}")


async def ensure_topics(bootstrap: str, topics: Iterable[str]) -> None:
    """Make the topics that a reader wants, should it be there before their owner."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        await admin.start()
        await create_topics(admin, topics)
    finally:
        await admin.close()


async def _describe_cluster(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> tuple[str, list[str]]:
    """The cluster's id, and which of these topics are missing. (The admin client's own description of the cluster
    asks for all topics there are.)"""
    metadata = (await _admin_response(admin._get_cluster_metadata(list(topics)))).to_object()
    return metadata["cluster_id"], [topic["topic"] for topic in metadata["topics"] if topic["error_code"]]


async def _admin_response(question: Awaitable[A]) -> A:
    """An answer of the admin client, which stumbles (AttributeError) over a cluster that knows no broker yet."""
    try:
        return await question
    except AttributeError as error:
        raise KafkaConnectionError("no broker is up yet") from error


async def _close(admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer) -> None:
    await stop_client(reader)
    await admin.close()


async def stop_client(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a client, for as long as it takes within five seconds, and whatever it meets.

    In a task of its own: with the broker away the library's own end can come out of ``stop`` as a cancellation, which
    would then be taken for ours.
    """
    stopping = asyncio.ensure_future(client.stop())
    await asyncio.wait([stopping], timeout=5)
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled():
        stopping.exception()
