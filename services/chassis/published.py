"""How far a Kafka cluster has been filled: saved in the database, and held against what the cluster has."""

import uuid
from collections import defaultdict

import asyncpg

from services.chassis import lease, metrics
from services.chassis.kafka import Cluster
from services.chassis.logging import logger

_log = logger(__name__)

Last = dict[int, tuple[int, uuid.UUID, int]]
"""Of each partition that a wave reached: the offset, event id and sequence of its last record."""

_POSITIONS = 'SELECT partition, "offset", event_id, sequence FROM chassis.published WHERE cluster_id = $1'
_UP_TO = "SELECT coalesce(max(sequence), 0) FROM chassis.published_up_to WHERE cluster_id = $1"
_SAVE = """
    WITH leader AS (SELECT 1 FROM chassis.leader WHERE epoch = $1 FOR UPDATE), positions AS (
        INSERT INTO chassis.published (cluster_id, partition, "offset", event_id, sequence)
        SELECT $2, p.* FROM unnest($4::smallint[], $5::bigint[], $6::uuid[], $7::bigint[]) AS p, leader
        ON CONFLICT (cluster_id, partition) DO UPDATE
        SET "offset" = excluded."offset", event_id = excluded.event_id, sequence = excluded.sequence
    ), up_to AS (
        INSERT INTO chassis.published_up_to (cluster_id, sequence) SELECT $2, $3 FROM leader
        ON CONFLICT (cluster_id) DO UPDATE SET sequence = excluded.sequence
    )
    SELECT EXISTS (SELECT 1 FROM leader)
"""
_LAST_SEQUENCE = "SELECT last_sequence FROM chassis.leader"
_GENERATION = "SELECT generation FROM chassis.leader"
_NEW_GENERATION = """
    UPDATE chassis.leader SET last_sequence = $2, generation = gen_random_uuid() WHERE epoch = $1 RETURNING true
"""


class ClusterChanged(Exception):
    """The broker is another one, or holds less than it did: what it lacks is published again."""


class Progress:
    """What a cluster holds: the last sequence of each partition, and the sequence up to which it lacks nothing."""

    def __init__(
        self,
        cluster_id: str,
        generation: uuid.UUID,
        everywhere: int,
        sequences: dict[int, int],
        offsets: dict[int, int],
    ) -> None:
        self._cluster_id = cluster_id
        self.generation = generation
        self.everywhere = everywhere
        self.sequences = sequences
        self._offsets = offsets

    @classmethod
    async def find(cls, connection: "asyncpg.Connection[asyncpg.Record]", cluster: Cluster, epoch: int) -> "Progress":
        """Compare what was saved with what is there, record by record."""
        up_to: int = await connection.fetchval(_UP_TO, cluster.id)
        saved = {row["partition"]: row for row in await connection.fetch(_POSITIONS, cluster.id)}
        sequences: dict[int, int] = defaultdict(lambda: up_to)
        offsets: dict[int, int] = {}
        starts, ends = await cluster.starts(), await cluster.ends()
        highest = 0
        for partition, end in ends.items():
            row = saved.get(partition)
            if row is not None:
                record = None
                if starts[partition] <= row["offset"] < end:
                    record = await cluster.record(partition, row["offset"])
                if record is not None and record.event_id == str(row["event_id"]):
                    sequences[partition] = max(up_to, row["sequence"])
                    offsets[partition] = row["offset"]
                else:
                    metrics.RELAY_REFILLS.inc()
                    _log.warning("a partition lacks its last record", partition=partition, sequence=row["sequence"])
                    sequences[partition] = 0
            if end > starts[partition]:
                last = await cluster.record(partition, end - 1)
                if last is not None and last.sequence is not None:
                    highest = max(highest, last.sequence)
        if highest > await connection.fetchval(_LAST_SEQUENCE):
            _log.warning("the broker is ahead of the database: a new generation begins", above=highest)
            if not await connection.fetchval(_NEW_GENERATION, epoch, highest):
                raise lease.Deposed
            metrics.LOG_GENERATIONS.inc()
        generation: uuid.UUID = await connection.fetchval(_GENERATION)
        known = [sequences[partition] for partition in ends]
        published = {partition: sequences[partition] for partition in ends}
        return cls(cluster.id, generation, min(known), published, offsets)

    def advance(self, last: Last, everywhere: int) -> None:
        for partition, (offset, _, sequence) in last.items():
            self.sequences[partition] = max(self.sequences[partition], sequence)
            self._offsets[partition] = offset
        self.everywhere = max(self.everywhere, everywhere)

    async def save(self, connection: "asyncpg.Connection[asyncpg.Record]", epoch: int, last: Last) -> None:
        """Write down how far this cluster is filled; lease.Deposed if another leads."""
        saved = await connection.fetchval(
            _SAVE,
            epoch,
            self._cluster_id,
            self.everywhere,
            list(last),
            [offset for offset, _, _ in last.values()],
            [event_id for _, event_id, _ in last.values()],
            [sequence for _, _, sequence in last.values()],
        )
        if not saved:
            raise lease.Deposed

    async def compare(self, cluster: Cluster) -> None:
        """ClusterChanged if the broker is another one or is shorter than what was acknowledged."""
        if await cluster.current_id() != cluster.id:
            raise ClusterChanged("another cluster id")
        ends = await cluster.ends()
        for partition, offset in self._offsets.items():
            if ends.get(partition, 0) <= offset:
                raise ClusterChanged(f"partition {partition} ends at {ends.get(partition, 0)}, had {offset}")
