"""The relay's view of a Kafka cluster: its id, its topics, their offset ranges, and records by offset."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.chassis.events import compat
from services.chassis.events.envelope import RawRecord
from services.chassis.events.kafka import create_topics, stop_client, to_raw_record
from services.chassis.events.outbox import PARTITIONS

RETRY_BACKOFF_MS = 20
"""The wait before the next attempt at a partition whose leader is unknown: its election takes moments."""


class OffsetRange(NamedTuple):
    """The offsets that a partition holds."""

    start: int
    """The offset of its first record."""
    end: int
    """The offset after its last record."""


class Cluster:
    """A connection to the cluster behind ``bootstrap``: opened at leadership and after every error."""

    def __init__(
        self, admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer, topics: Sequence[str], cluster_id: str
    ) -> None:
        self._admin = admin
        self._reader = reader
        self.topics = topics
        self.id = cluster_id
        self.partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]

    @classmethod
    async def open(cls, bootstrap: str, topics: Sequence[str]) -> "Cluster":
        """Connect, and create those topics that are missing. To be closed."""
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
            cluster_id, missing = await compat.describe_cluster(admin, topics)
            await create_topics(admin, missing)
            await reader.start()
        except BaseException:
            await _close(admin, reader)
            raise
        return cls(admin, reader, topics, cluster_id)

    async def close(self) -> None:
        await _close(self._admin, self._reader)

    async def offset_ranges(self) -> dict[TopicPartition, OffsetRange]:
        """Return the current offset range of each partition."""
        starts: dict[TopicPartition, int] = await self._reader.beginning_offsets(self.partitions)
        ends: dict[TopicPartition, int] = await self._reader.end_offsets(self.partitions)
        return {partition: OffsetRange(starts[partition], ends[partition]) for partition in self.partitions}

    async def read(self, ranges: Mapping[TopicPartition, OffsetRange]) -> AsyncIterator[RawRecord]:
        """Read the records in these ranges, one partition after the other; fewer where some are gone.

        A record that aiokafka can't decode (a header name that is not UTF-8) is skipped: no relay wrote it.
        """
        for partition, (start, end) in ranges.items():
            self._reader.assign([partition])
            position, max_records = start, None
            self._reader.seek(partition, position)
            while position < end:
                try:
                    polled = await self._reader.getmany(partition, timeout_ms=5000, max_records=max_records)
                except UnicodeDecodeError:
                    # Reading one record at a time finds the one that fails.
                    position, max_records = (position + 1, None) if max_records == 1 else (position, 1)
                    self._reader.seek(partition, position)
                    continue
                if not polled:
                    break
                for m in polled[partition]:
                    if m.offset < end:
                        yield to_raw_record(m)
                    position = m.offset + 1
            # Fetches of a partition that is no longer read would delay the next request.
            self._reader.pause(partition)

    async def records_at(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, RawRecord]:
        """Read the records at these offsets; without those that are gone."""
        ranges = {partition: OffsetRange(offset, offset + 1) for partition, offset in offsets.items()}
        records = {TopicPartition(r.topic, r.partition): r async for r in self.read(ranges)}
        return {partition: record for partition, record in records.items() if record.offset == offsets[partition]}

    async def describe(self) -> tuple[str, list[str]]:
        """Return the cluster's current id, which differs if the broker was replaced, and the missing topics."""
        return await compat.describe_cluster(self._admin, self.topics)


async def _close(admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer) -> None:
    await stop_client(reader)
    await admin.close()
