"""What is known of the Kafka cluster: its id, its topics, and how a record is read back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from services.chassis.envelope import Raw, raw
from services.chassis.outbox import PARTITIONS

RETENTION_MS = 90 * 24 * 3600 * 1000
BROKER_AWAY = (KafkaError, OSError, TimeoutError)
"""Failures of the broker or of the way to it: tried again, and never the fault of an event."""


class Cluster:
    """One look at the cluster, for the relay: opened at leadership and after every error."""

    def __init__(self, admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer, topic: str, cluster_id: str) -> None:
        self._admin = admin
        self._reader = reader
        self.topic = topic
        self.id = cluster_id

    @classmethod
    @contextlib.asynccontextmanager
    async def look(cls, bootstrap: str, topic: str) -> AsyncIterator["Cluster"]:
        """The cluster behind ``bootstrap``, with this topic made if it was not there."""
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
        reader = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", request_timeout_ms=5000
        )
        try:
            await admin.start()
            cluster_id = (await admin.describe_cluster())["cluster_id"]
            await make_topics(admin, [topic])
            await reader.start()
            yield cls(admin, reader, topic, cluster_id)
        finally:
            await reader.stop()
            await admin.close()

    async def ends(self) -> dict[int, int]:
        """The offset behind the last record of each partition."""
        partitions = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        ends: dict[TopicPartition, int] = await self._reader.end_offsets(partitions)
        return {partition.partition: end for partition, end in ends.items()}

    async def starts(self) -> dict[int, int]:
        """The offset of the first record that each partition still has."""
        partitions = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        starts: dict[TopicPartition, int] = await self._reader.beginning_offsets(partitions)
        return {partition.partition: start for partition, start in starts.items()}

    async def record(self, partition: int, offset: int) -> Raw | None:
        """The record at an offset; None if there is none any more."""
        place = TopicPartition(self.topic, partition)
        self._reader.assign([place])
        self._reader.seek(place, offset)
        try:
            message = await asyncio.wait_for(self._reader.getone(place), 5)
        except TimeoutError:
            return None
        if message.offset != offset:
            return None
        return raw(message.topic, message.partition, message.offset, message.key, message.value, message.headers)

    async def current_id(self) -> str:
        """The cluster's id as it is now: another one where the broker was replaced."""
        described: str = (await self._admin.describe_cluster())["cluster_id"]
        return described


async def make_topics(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> None:
    """Make the topics that are not there yet; nothing is left to auto-creation."""
    for topic in topics:
        new = NewTopic(
            name=topic,
            num_partitions=PARTITIONS,
            replication_factor=1,
            topic_configs={"retention.ms": str(RETENTION_MS), "cleanup.policy": "delete"},
        )
        # The cluster's own default (1 embedded, 3 in production), which the class's own check does not let through.
        new.replication_factor = -1
        with contextlib.suppress(TopicAlreadyExistsError):
            response = await admin.create_topics([new])
            for error in response.topic_errors:
                if error[1] not in (0, TopicAlreadyExistsError.errno):
                    raise KafkaError(f"topic {topic} can't be made: {error}")


async def ensure_topics(bootstrap: str, topics: Iterable[str]) -> None:
    """Make the topics that a reader wants, should it be there before their owner."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        await admin.start()
        await make_topics(admin, topics)
    finally:
        await admin.close()
