"""The checkpoint of what was published to a Kafka cluster, and its comparison with what the cluster holds.

It has the last published record of each partition, and of each topic the sequence up to which it is complete.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from aiokafka import TopicPartition

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.publish import lease
from services.chassis.events.publish.cluster import Cluster, OffsetRange
from services.chassis.events.publish.sequencer import SequencedEvent
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

_MAX_PLAUSIBLE_SEQUENCE = 2**62
"""A sequence from here on is not a relay's: no generation begins above it."""

_SELECT_LAST_PUBLISHED = (
    'SELECT topic, partition, start, "offset", event_id, sequence FROM chassis.published WHERE cluster_id = $1'
)
_SELECT_UP_TO = "SELECT topic, sequence FROM chassis.published_up_to WHERE cluster_id = $1"
_TRUNCATED_EARLY = """
    SELECT EXISTS (SELECT 1 FROM chassis.outbox WHERE partition = $1 AND sequence < $2 AND (public OR NOT $3)
                   AND written_at > clock_timestamp() - interval '89 days')
"""
_BEGIN = """
    WITH leader AS (
        UPDATE chassis.leader SET cluster_id = $2 WHERE epoch = $1 RETURNING 1
    ), deleted AS (
        DELETE FROM chassis.published p USING leader, unnest($5::text[], $6::smallint[]) AS lost (topic, partition)
        WHERE p.cluster_id = $2 AND p.topic = lost.topic AND p.partition = lost.partition
    ), up_to AS (
        INSERT INTO chassis.published_up_to (cluster_id, topic, sequence)
        SELECT $2, u.* FROM unnest($3::text[], $4::bigint[]) AS u, leader
        ON CONFLICT (cluster_id, topic) DO UPDATE SET sequence = excluded.sequence
    )
    SELECT EXISTS (SELECT 1 FROM leader)
"""
_SAVE = """
    WITH leader AS (SELECT 1 FROM chassis.leader WHERE epoch = $1 FOR UPDATE), last_published AS (
        INSERT INTO chassis.published (cluster_id, topic, partition, start, "offset", event_id, sequence)
        SELECT $2, f.* FROM leader,
            unnest($5::text[], $6::smallint[], $7::bigint[], $8::bigint[], $9::uuid[], $10::bigint[]) AS f
        ON CONFLICT (cluster_id, topic, partition) DO UPDATE SET start = excluded.start,
            "offset" = excluded."offset", event_id = excluded.event_id, sequence = excluded.sequence
    ), up_to AS (
        INSERT INTO chassis.published_up_to (cluster_id, topic, sequence) SELECT $2, topic, $4 FROM leader,
            unnest($3::text[]) AS topic
        ON CONFLICT (cluster_id, topic) DO UPDATE SET sequence = excluded.sequence
    )
    SELECT EXISTS (SELECT 1 FROM leader)
"""


class ClusterChanged(Exception):
    """The broker was replaced, or holds less than before: what it lacks is published again."""


class LastPublished(msgspec.Struct, frozen=True):
    """The last record that was published to a partition, in the columns' order."""

    start: int
    """The partition's first offset at that time."""
    offset: int
    event_id: uuid.UUID
    sequence: int


class PublishCheckpoint(msgspec.Struct, frozen=True):
    """The saved state of a cluster."""

    last_published: Mapping[TopicPartition, LastPublished]
    up_to: Mapping[str, int]
    """The sequence up to which each topic is complete."""

    @classmethod
    async def load(cls, connection: DatabaseConnection, cluster_id: str) -> "PublishCheckpoint":
        rows = await connection.fetch(_SELECT_LAST_PUBLISHED, cluster_id)
        return cls(
            {TopicPartition(topic, partition): LastPublished(*values) for topic, partition, *values in rows},
            {row["topic"]: row["sequence"] for row in await connection.fetch(_SELECT_UP_TO, cluster_id)},
        )


class ClusterSnapshot(msgspec.Struct, frozen=True):
    """The present state of a cluster, compared with its checkpoint."""

    offset_ranges: Mapping[TopicPartition, OffsetRange]
    intact: frozenset[TopicPartition]
    """The partitions that have their last published record at its offset."""
    first_sequences: Mapping[TopicPartition, int]
    """The sequence of the first record, of each partition that begins later than at its checkpoint."""
    highest_sequence: int

    @classmethod
    async def take(cls, cluster: Cluster, checkpoint: PublishCheckpoint, source: str) -> "ClusterSnapshot":
        """Read the cluster's state.

        Records after the checkpoint are all read for the highest sequence: the last record of a partition may be a
        duplicate of an old one.
        """
        published = checkpoint.last_published
        ranges = await cluster.offset_ranges()
        offsets = {
            partition: last.offset
            for partition, last in published.items()
            if partition in ranges and ranges[partition].start <= last.offset < ranges[partition].end
        }
        records = await cluster.records_at(offsets)
        intact = frozenset(p for p, record in records.items() if record.event_id == str(published[p].event_id))
        truncated = {p: ranges[p].start for p in intact if ranges[p].start > published[p].start}
        first_records = await cluster.records_at(truncated)
        highest = max((published[partition].sequence for partition in intact), default=0)
        unknown = {
            partition: OffsetRange(offsets[partition] + 1 if partition in intact else start, end)
            for partition, (start, end) in ranges.items()
        }
        async for record in cluster.read(unknown):
            if record.headers.get("ce_source") == source:
                sequence = record.sequence or 0
                highest = max(highest, sequence if sequence < _MAX_PLAUSIBLE_SEQUENCE else 0)
        return cls(ranges, intact, {p: record.sequence or 0 for p, record in first_records.items()}, highest)


class PublishProgress:
    """The leader's state of the cluster to which it publishes."""

    def __init__(
        self,
        cluster: Cluster,
        last_published: dict[TopicPartition, LastPublished],
        sequences: dict[TopicPartition, int],
        ranges: Mapping[TopicPartition, OffsetRange],
    ) -> None:
        self._cluster = cluster
        self._last_published = last_published
        self._sequences = sequences
        self._starts = {partition: start for partition, (start, _) in ranges.items()}
        self._ends = {partition: end for partition, (_, end) in ranges.items()}
        self.up_to = min(sequences.values())

    @classmethod
    async def begin(
        cls,
        connection: DatabaseConnection,
        epoch: int,
        cluster: Cluster,
        checkpoint: PublishCheckpoint,
        snapshot: ClusterSnapshot,
        first_sequence: int,
        public_topic: str | None,
    ) -> "PublishProgress":
        """Decide which partitions are published again from the log's first event, and save that.

        These are the partitions that lack their last record, or lost their first ones before retention was due.
        ``first_sequence`` is the log's; ``public_topic`` holds only public events. Raises LeadershipLost.
        """
        published = checkpoint.last_published
        lost = [p for p in cluster.partitions if p in published and p not in snapshot.intact]
        for partition, sequence in snapshot.first_sequences.items():
            is_public = partition.topic == public_topic
            if await connection.fetchval(_TRUNCATED_EARLY, partition.partition, sequence, is_public):
                lost.append(partition)
        for partition in lost:
            metrics.RELAY_REPUBLISHED_PARTITIONS.inc()
            _log.warning("partition lost records: republishing", topic=partition.topic, partition=partition.partition)
        last_published = {partition: last for partition, last in published.items() if partition not in lost}
        sequences = {
            partition: 0
            if partition in lost
            else max(
                checkpoint.up_to.get(partition.topic, 0),
                last_published[partition].sequence if partition in last_published else 0,
            )
            for partition in cluster.partitions
        }
        up_to = {
            topic: min(sequences[partition] for partition in cluster.partitions if partition.topic == topic)
            for topic in cluster.topics
        }
        if not await connection.fetchval(
            _BEGIN,
            epoch,
            cluster.id,
            list(up_to),
            list(up_to.values()),
            [partition.topic for partition in lost],
            [partition.partition for partition in lost],
        ):
            raise lease.LeadershipLost
        progress = cls(cluster, last_published, sequences, snapshot.offset_ranges)
        if progress.up_to + 1 < first_sequence:
            _log.warning(
                "event log begins after the first event the cluster lacks: republishing from the start of the log",
                cluster=cluster.id,
                from_sequence=progress.up_to + 1,
                first_sequence=first_sequence,
            )
        return progress

    def lacks(self, partition: TopicPartition, sequence: int) -> bool:
        """Return whether the event with this sequence has yet to be published to a partition."""
        return sequence > self._sequences[partition]

    async def acknowledge(
        self,
        by_partition: Mapping[TopicPartition, Sequence[SequencedEvent]],
        offsets: Mapping[TopicPartition, int],
        up_to: int,
    ) -> None:
        """Record events that the broker has acknowledged, with the offset of each partition's first record.

        Raises ClusterChanged if a partition was recreated: its new records don't follow its last published one.
        """
        unexpected = {
            partition: self._last_published[partition]
            for partition, offset in offsets.items()
            if offset != self._ends[partition] and partition in self._last_published
        }
        if any(offsets[partition] <= last.offset for partition, last in unexpected.items()):
            raise ClusterChanged("a topic was recreated")
        # Another writer may explain it: a leader that was suspended and resumed repeats its last batch.
        records = await self._cluster.records_at({partition: last.offset for partition, last in unexpected.items()})
        for partition, last in unexpected.items():
            if partition not in records or records[partition].event_id != str(last.event_id):
                raise ClusterChanged("a topic was recreated")
        for partition, events in by_partition.items():
            offset = offsets[partition] + len(events) - 1
            self._last_published[partition] = LastPublished(
                self._starts[partition], offset, events[-1].event_id, events[-1].sequence
            )
            self._sequences[partition] = events[-1].sequence
            self._ends[partition] = offset + 1
        self.up_to = up_to

    async def save(self, connection: DatabaseConnection, epoch: int, partitions: Iterable[TopicPartition]) -> None:
        """Save the checkpoint of these partitions. Raises LeadershipLost."""
        rows = [(*partition, *msgspec.structs.astuple(self._last_published[partition])) for partition in partitions]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 6
        if not await connection.fetchval(_SAVE, epoch, self._cluster.id, self._cluster.topics, self.up_to, *columns):
            raise lease.LeadershipLost

    async def verify_cluster(self) -> None:
        """Raise ClusterChanged if the broker was replaced, lacks a topic, or has lost records."""
        cluster_id, missing = await self._cluster.describe()
        if cluster_id != self._cluster.id:
            raise ClusterChanged("another cluster id")
        if missing:
            raise ClusterChanged(f"missing: {', '.join(missing)}")
        for partition, (start, end) in (await self._cluster.offset_ranges()).items():
            name = f"{partition.topic}/{partition.partition}"
            if end < self._ends[partition]:
                raise ClusterChanged(f"{name} ends at {end}, had {self._ends[partition]}")
            if start > self._starts[partition]:
                raise ClusterChanged(f"{name} begins at {start}")
