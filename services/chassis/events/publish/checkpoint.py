"""How far a Kafka cluster has been filled: saved in the database, and held against what the cluster has.

Of each partition: the last record it was filled with. Of each topic: the sequence up to which it lacks nothing.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.kafka import Cluster, OffsetRange, Place
from services.chassis.events.publish import lease
from services.chassis.events.publish.sequencer import SequencedEvent
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

_MAX_PLAUSIBLE_SEQUENCE = 2**62

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
    ), forgotten AS (
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
    WITH leader AS (SELECT 1 FROM chassis.leader WHERE epoch = $1 FOR UPDATE), filled AS (
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
    """The broker is another one, or holds less than it did: what it lacks is published again."""


class LastPublished(msgspec.Struct, frozen=True):
    """The last record that a partition was filled with. ``start``: the partition's first offset at that time."""

    start: int
    offset: int
    event_id: uuid.UUID
    sequence: int


class PublishCheckpoint(msgspec.Struct, frozen=True):
    """What the database says of a cluster: its partitions' last records, and how far each topic lacks nothing."""

    last_published: Mapping[Place, LastPublished]
    up_to: Mapping[str, int]

    @classmethod
    async def load(cls, connection: DatabaseConnection, cluster_id: str) -> "PublishCheckpoint":
        rows = await connection.fetch(_SELECT_LAST_PUBLISHED, cluster_id)
        filled = {Place(topic, partition): LastPublished(*values) for topic, partition, *values in rows}
        return cls(filled, {row["topic"]: row["sequence"] for row in await connection.fetch(_SELECT_UP_TO, cluster_id)})


class ClusterSnapshot(msgspec.Struct, frozen=True):
    """What a cluster shows of that: where its partitions begin and end, which of those records stand where they
    stood, the sequence of the first record where a partition's head is gone, and the highest sequence of all."""

    offset_ranges: Mapping[Place, OffsetRange]
    intact: frozenset[Place]
    first_sequences: Mapping[Place, int]
    highest_sequence: int

    @classmethod
    async def take(cls, cluster: Cluster, saved: PublishCheckpoint, source: str) -> "ClusterSnapshot":
        """Look at the cluster. What was not filled from what is saved is read whole, for the highest sequence: the
        last record of a partition may be an old one that came again."""
        extents = await cluster.offset_ranges()
        offsets = {
            place: last.offset
            for place, last in saved.last_published.items()
            if place in extents and extents[place].start <= last.offset < extents[place].end
        }
        records = await cluster.records_at(offsets)
        standing = frozenset(
            p for p, record in records.items() if record.event_id == str(saved.last_published[p].event_id)
        )
        beheaded = {p: extents[p].start for p in standing if extents[p].start > saved.last_published[p].start}
        firsts = await cluster.records_at(beheaded)
        highest = max((saved.last_published[place].sequence for place in standing), default=0)
        unknown = {
            place: OffsetRange(offsets[place] + 1 if place in standing else extent.start, extent.end)
            for place, extent in extents.items()
        }
        async for record in cluster.read(unknown):
            if record.headers.get("ce_source") == source:
                sequence = record.sequence or 0
                highest = max(highest, sequence if sequence < _MAX_PLAUSIBLE_SEQUENCE else 0)
        return cls(extents, standing, {p: record.sequence or 0 for p, record in firsts.items()}, highest)


class PublishProgress:
    """What a cluster holds, as the leader that fills it keeps it in mind."""

    def __init__(
        self,
        cluster: Cluster,
        filled: dict[Place, LastPublished],
        sequences: dict[Place, int],
        extents: Mapping[Place, OffsetRange],
    ) -> None:
        self._cluster = cluster
        self._last_published = filled
        self._sequences = sequences
        self._starts = {place: extent.start for place, extent in extents.items()}
        self._ends = {place: extent.end for place, extent in extents.items()}
        self.up_to = min(sequences.values())

    @classmethod
    async def begin(
        cls,
        connection: DatabaseConnection,
        epoch: int,
        cluster: Cluster,
        saved: PublishCheckpoint,
        sight: ClusterSnapshot,
        log_begins: int,
        public_only: str | None,
    ) -> "PublishProgress":
        """Judge what was seen: a partition that lacks its last record, or lost its head before its time, is filled
        from the log's beginning, which is the event ``log_begins``. ``public_only`` names the topic of public events.
        lease.Deposed if another leads."""
        lost = [place for place in cluster.partitions if place in saved.last_published and place not in sight.intact]
        for place, first in sight.first_sequences.items():
            if await connection.fetchval(_TRUNCATED_EARLY, place.partition, first, place.topic == public_only):
                lost.append(place)
        for place in lost:
            metrics.RELAY_REPUBLISHED_PARTITIONS.inc()
            _log.warning("a partition lost records and is filled again", topic=place.topic, partition=place.partition)
        filled = {place: last for place, last in saved.last_published.items() if place not in lost}
        sequences = {
            place: 0
            if place in lost
            else max(saved.up_to.get(place.topic, 0), filled[place].sequence if place in filled else 0)
            for place in cluster.partitions
        }
        up_to = {
            topic: min(sequences[place] for place in cluster.partitions if place.topic == topic)
            for topic in cluster.topics
        }
        if not await connection.fetchval(
            _BEGIN,
            epoch,
            cluster.id,
            list(up_to),
            list(up_to.values()),
            [place.topic for place in lost],
            [place.partition for place in lost],
        ):
            raise lease.LeadershipLost
        progress = cls(cluster, filled, sequences, sight.offset_ranges)
        if progress.up_to + 1 < log_begins:
            _log.warning(
                "the log does not reach back to what this cluster lacks: it is filled from the log's first event on",
                cluster=cluster.id,
                from_sequence=progress.up_to + 1,
                first_sequence=log_begins,
            )
        return progress

    def lacks(self, place: Place, sequence: int) -> bool:
        """Whether a partition has yet to be given the event with this sequence."""
        return sequence > self._sequences[place]

    async def acknowledge(
        self, batches: Mapping[Place, Sequence[SequencedEvent]], offsets: Mapping[Place, int], up_to: int
    ) -> None:
        """Note what the broker has acknowledged, at the offset of each batch's first record.

        ClusterChanged if one stands where it can't stand behind what was there before: then the topic was made anew.
        """
        strange = {
            p: self._last_published[p]
            for p, offset in offsets.items()
            if offset != self._ends[p] and p in self._last_published
        }
        if any(offsets[place] <= last.offset for place, last in strange.items()):
            raise ClusterChanged("a topic was made anew")
        # Others may write, too: a leader that was stopped and woke up repeats its last wave.
        records = await self._cluster.records_at({place: last.offset for place, last in strange.items()})
        if any(place not in records or records[place].event_id != str(strange[place].event_id) for place in strange):
            raise ClusterChanged("a topic was made anew")
        for place, events in batches.items():
            last = offsets[place] + len(events) - 1
            self._last_published[place] = LastPublished(
                self._starts[place], last, events[-1].event_id, events[-1].sequence
            )
            self._sequences[place] = events[-1].sequence
            self._ends[place] = last + 1
        self.up_to = up_to

    async def save(self, connection: DatabaseConnection, epoch: int, places: Iterable[Place]) -> None:
        """Write down how far these partitions are filled; lease.Deposed if another leads."""
        rows = [
            (place.topic, place.partition, *msgspec.structs.astuple(self._last_published[place])) for place in places
        ]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 6
        if not await connection.fetchval(_SAVE, epoch, self._cluster.id, self._cluster.topics, self.up_to, *columns):
            raise lease.LeadershipLost

    async def verify_cluster(self) -> None:
        """ClusterChanged if the broker is another one, lacks a topic, or has less than it had."""
        cluster_id, missing = await self._cluster.describe()
        if cluster_id != self._cluster.id:
            raise ClusterChanged("another cluster id")
        if missing:
            raise ClusterChanged(f"missing: {', '.join(missing)}")
        for place, extent in (await self._cluster.offset_ranges()).items():
            if extent.end < self._ends[place]:
                raise ClusterChanged(f"{place.topic}/{place.partition} ends at {extent.end}, had {self._ends[place]}")
            if extent.start > self._starts[place]:
                raise ClusterChanged(f"{place.topic}/{place.partition} begins at {extent.start}")
